using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Modular.Store;

/// <summary>
/// Rides out an outage: whoever meets one waits until a connection can be opened again, at most as long after its
/// beginning as agreed. One at a time tries, so that a database that wakes up is not overrun. What meets an outage that
/// lasts longer than that fails at once.
/// </summary>
/// <param name="longest">Counted from the first failure; zero: nobody waits.</param>
/// <param name="say">Where its beginning and end are told.</param>
internal sealed class Patience(TimeSpan longest, Action<string> say) : IDisposable
{
    /// <summary>More than that would only be memory held.</summary>
    private const int MostWaiting = 1_000;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _gate = new();
    private long _began;
    private long _failed;
    private int _waiting;

    /// <summary>Tries again what has failed just now.</summary>
    public async Task<T> Outlast<T>(Exception failure, Func<CancellationToken, Task<T>> attempt, CancellationToken ct)
    {
        Failed(failure);
        if (longest == TimeSpan.Zero || Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            if (longest != TimeSpan.Zero)
                Interlocked.Decrement(ref _waiting);
            ExceptionDispatchInfo.Throw(failure);
        }

        try
        {
            return await Wait(failure, attempt, ct);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>A connection was opened.</summary>
    public void Over()
    {
        if (Volatile.Read(ref _began) == 0)
            return;
        lock (_gate)
        {
            if (_began != 0 && longest > TimeSpan.Zero)
                say($"The database is back after {Stopwatch.GetElapsedTime(_began).TotalSeconds:0.0} s.");
            _began = 0;
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<T> Wait<T>(Exception failure, Func<CancellationToken, Task<T>> attempt, CancellationToken ct)
    {
        for (var pause = Shortest; ; pause = pause * 2 < Longest ? pause * 2 : Longest)
        {
            var left = Left();
            if (left <= TimeSpan.Zero || !await _turn.WaitAsync(left, ct))
                ExceptionDispatchInfo.Throw(failure);
            using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
            late.CancelAfter(left);
            try
            {
                // Those who waited for their turn need not wait when the one before them has found it back.
                if (Volatile.Read(ref _began) != 0)
                    await Task.Delay(pause, late.Token);
                var found = await attempt(late.Token);
                Over();
                return found;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                ExceptionDispatchInfo.Throw(failure);
            }
            catch (Exception again) when (Outage.MayPass(again))
            {
                Failed(failure = again);
            }
            finally
            {
                _turn.Release();
            }
        }
    }

    private TimeSpan Left()
    {
        lock (_gate)
            return _began == 0 ? longest : longest - Stopwatch.GetElapsedTime(_began);
    }

    private void Failed(Exception failure)
    {
        lock (_gate)
        {
            // One that nobody has met for that long is another one.
            if (_began != 0 && Stopwatch.GetElapsedTime(_failed) > longest)
                _began = 0;
            _failed = Stopwatch.GetTimestamp();
            if (_began != 0)
                return;
            _began = _failed;
            if (longest > TimeSpan.Zero)
                say($"The database cannot be reached; requests wait for it up to {longest.TotalSeconds:0.#} s: {failure.Message}");
        }
    }
}
