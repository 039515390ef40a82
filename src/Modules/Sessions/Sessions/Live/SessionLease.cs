using System.Runtime.InteropServices;

namespace Modular.Sessions;

/// <summary>
/// Whether this node may answer from memory: only while its listener has been proved alive within the lease, counted
/// from the instant the proof was asked for (DESIGN §6, rule 4). On a clock that runs while the machine is suspended.
/// </summary>
internal sealed class SessionLease : IDisposable
{
    /// <summary>For how long a proof holds; the bound on how long a revoked session may be accepted elsewhere.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(1);

    private const int BootTime = 7;

    private readonly Func<long> clock;
    private readonly SemaphoreSlim wanted = new(0, 1);
    private long until;
    private long asked;

    public SessionLease(Func<long>? clock = null) => this.clock = clock ?? Now;

    /// <summary>Nanoseconds on the lease's clock.</summary>
    public long Time => clock();

    /// <summary>Whether a check may be answered from memory now; tells the listener that checks arrive.</summary>
    public bool Holds()
    {
        var now = clock();
        // Told at most every few milliseconds: checks arrive on every core, and share this line of memory.
        if (now - Volatile.Read(ref asked) > 10_000_000)
            Want(now);
        return now < Volatile.Read(ref until);
    }

    /// <summary>A proof that was asked for at <paramref name="sent"/> has arrived.</summary>
    public void Renew(long sent) => Volatile.Write(ref until, sent + (long)Length.TotalNanoseconds);

    /// <summary>The listener is gone: nothing is answered from memory.</summary>
    public void Lose() => Volatile.Write(ref until, 0);

    /// <summary>Whether checks have arrived lately: an idle server lets its database sleep.</summary>
    public bool IsWanted => clock() - Volatile.Read(ref asked) < (long)Length.TotalNanoseconds;

    /// <summary>Waits for the next check.</summary>
    public Task Wanted(CancellationToken ct) => wanted.WaitAsync(ct);

    public void Dispose() => wanted.Dispose();

    private void Want(long now)
    {
        Volatile.Write(ref asked, now);
        if (wanted.CurrentCount == 0)
        {
            try
            {
                wanted.Release();
            }
            catch (SemaphoreFullException)
            {
                // Another check was faster.
            }
        }
    }

    private static long Now()
    {
        // Stopwatch stands still while the machine is suspended; elsewhere than on Linux there is no better one.
        if (!OperatingSystem.IsLinux())
            return System.Diagnostics.Stopwatch.GetElapsedTime(0).Ticks * 100;
        _ = ClockGetTime(BootTime, out var time);
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ClockGetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
