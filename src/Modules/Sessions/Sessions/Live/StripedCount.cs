namespace Modular.Sessions;

/// <summary>A count that every core raises on a cache line of its own: exact, and as cheap as one that is not.</summary>
internal sealed class StripedCount
{
    // 128 bytes apart: processors fetch lines in pairs.
    private const int Apart = 16;

    private static readonly int Mask = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount) - 1;

    private readonly long[] counts = new long[(Mask + 2) * Apart];

    public long Value
    {
        get
        {
            var sum = 0L;
            for (var at = Apart; at < counts.Length; at += Apart)
                sum += Interlocked.Read(ref counts[at]);
            return sum;
        }
    }

    public void Add() => Interlocked.Increment(ref counts[((Thread.GetCurrentProcessorId() & Mask) + 1) * Apart]);
}
