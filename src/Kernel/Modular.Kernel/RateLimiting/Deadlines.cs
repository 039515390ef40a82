using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Modular.Kernel;

/// <summary>
/// A deadline for each of very many keys, in memory of a fixed size. A deadline that is over says nothing, so its place is
/// free; where all places that a key may take are in use, the nearest deadline gives way: whoever has used most of a limit
/// is forgotten last, and a flood of new keys forgets itself. Reads and moves of a key that is here take no lock.
/// </summary>
internal sealed class Deadlines
{
    private const int Ways = 8;
    private const int Locks = 64;

    private readonly Entry[] entries;
    private readonly Lock[] locks = [.. Enumerable.Range(0, Locks).Select(_ => new Lock())];
    private readonly ulong seed = MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    /// <param name="places">A power of two. The default is two MiB.</param>
    public Deadlines(int places = 1 << 17) => entries = new Entry[places];

    /// <summary>
    /// A key of 64 bits. Two pairs share one with a chance of 2⁻⁶⁴, and nobody outside the process can look for two that do.
    /// </summary>
    /// <param name="path">Of <see cref="Mix"/>: a path is hashed once and an address each time.</param>
    /// <param name="address">Null: unknown.</param>
    public ulong Key(ulong path, string? address)
    {
        var hash = Mix(seed ^ path, address);
        // Zero is a place that nobody has.
        return hash == 0 ? 1 : hash;
    }

    /// <summary>A text's hash, begun with another.</summary>
    public static ulong Mix(ulong hash, ReadOnlySpan<char> text)
    {
        const ulong Odd = 0x9E37_79B9_7F4A_7C15;
        foreach (var character in text)
            hash = ((hash >> 32) ^ hash ^ character) * Odd;
        hash = ((hash >> 29) ^ hash) * Odd;
        return (hash >> 32) ^ hash;
    }

    /// <summary>The deadline of a key, in ticks; 0 when none is known.</summary>
    public long Get(ulong key)
    {
        foreach (ref var entry in Bucket(key))
        {
            if (Volatile.Read(ref entry.Key) != key)
                continue;
            var ticks = Volatile.Read(ref entry.Ticks);
            return Volatile.Read(ref entry.Key) == key ? ticks : 0;
        }

        return 0;
    }

    /// <summary>Moves the deadline of a key; false when it is not at <paramref name="from"/> any more.</summary>
    public bool TryMove(ulong key, long from, long to)
    {
        foreach (ref var entry in Bucket(key))
        {
            if (Volatile.Read(ref entry.Key) == key)
                return Interlocked.CompareExchange(ref entry.Ticks, to, from) == from;
        }

        lock (locks[(int)(key % Locks)])
            return TryPlace(key, from, to);
    }

    private bool TryPlace(ulong key, long from, long to)
    {
        var bucket = Bucket(key);
        ref var nearest = ref bucket[0];
        foreach (ref var entry in bucket)
        {
            if (entry.Key == key)
                return Interlocked.CompareExchange(ref entry.Ticks, to, from) == from;
            if (entry.Ticks < nearest.Ticks)
                nearest = ref entry;
        }

        // Nobody's in between, so that no reader takes one key's deadline for another's.
        Volatile.Write(ref nearest.Key, 0);
        Volatile.Write(ref nearest.Ticks, to);
        Volatile.Write(ref nearest.Key, key);
        return true;
    }

    // The low bits choose the lock, so two keys of one bucket have the same one.
    private Span<Entry> Bucket(ulong key) => entries.AsSpan((int)(key % (ulong)(entries.Length / Ways)) * Ways, Ways);

    private struct Entry
    {
        public ulong Key;
        public long Ticks;
    }
}
