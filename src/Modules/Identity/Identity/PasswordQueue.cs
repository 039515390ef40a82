using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What came of comparing a password.</summary>
/// <param name="IsRight">Whether it is the right one.</param>
/// <param name="IsOutdated">Whether its hash is to be made again.</param>
internal readonly record struct PasswordMatch(bool IsRight, bool IsOutdated);

/// <summary>
/// Hashes passwords on a bounded queue, by threads of their own at nice 10: a storm of sign-ins waits for itself and
/// leaves everybody else's requests alone (DESIGN §6, measured). When the queue is full the answer is 503, at once.
/// </summary>
internal sealed class PasswordQueue : IDisposable
{
    public const string ThreadName = "password-hash";

    private static readonly Refusal Full = Refusal.Unavailable(message: "Too many sign-ins at this moment. Please try again.");

    private readonly BlockingCollection<Action> waiting;
    private readonly int iterations;
    private readonly Histogram<double> waited;
    private readonly Counter<long> refused;
    private long operations;

    public PasswordQueue(IOptions<PasswordOptions> options, IMeterFactory meters)
    {
        iterations = options.Value.Iterations;
        waiting = new BlockingCollection<Action>(options.Value.Threads * options.Value.QueuePerThread);
        var meter = meters.Create("Modular.Identity");
        waited = meter.CreateHistogram<double>("modular.password_queue.wait", "s", "How long a password waited for a thread that hashes it.");
        refused = meter.CreateCounter<long>("modular.password_queue.refused", "{password}", "Passwords that found the queue full: the answer was 503.");
        meter.CreateObservableGauge("modular.password_queue.depth", () => waiting.Count, "{password}", "Passwords that wait for a thread that hashes them.");
        for (var i = 0; i < options.Value.Threads; i++)
            new Thread(Work) { IsBackground = true, Name = ThreadName }.Start();
    }

    /// <summary>Hashes made or compared so far.</summary>
    public long Operations => Interlocked.Read(ref operations);

    /// <summary>The hash of a new password.</summary>
    public Task<Outcome<string>> Hash(string password, CancellationToken ct) =>
        Enqueue(() => PasswordHash.Make(password, iterations), ct);

    /// <summary>Compares; without a hash it does the work of comparing and says no.</summary>
    public Task<Outcome<PasswordMatch>> Verify(string? hash, string password, CancellationToken ct) => Enqueue(
        () =>
        {
            if (hash is not null)
                return new PasswordMatch(PasswordHash.Verify(hash, password, iterations), PasswordHash.IsOutdated(hash, iterations));
            PasswordHash.Spend(password, iterations);
            return default;
        },
        ct);

    public void Dispose() => waiting.CompleteAdding();

    private async Task<Outcome<T>> Enqueue<T>(Func<T> work, CancellationToken ct)
    {
        // Continued elsewhere: a request must not go on at nice 10, nor keep the queue waiting.
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var since = Stopwatch.GetTimestamp();
        if (waiting.TryAdd(() => Run(work, done, since, ct), 0, CancellationToken.None))
            return await done.Task;
        refused.Add(1);
        return Full;
    }

    private void Run<T>(Func<T> work, TaskCompletionSource<T> done, long since, CancellationToken ct)
    {
        waited.Record(Stopwatch.GetElapsedTime(since).TotalSeconds);
        // Nobody waits for it any more.
        if (ct.IsCancellationRequested)
        {
            done.SetCanceled(ct);
            return;
        }

        try
        {
            Interlocked.Increment(ref operations);
            done.SetResult(work());
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            done.SetException(e);
        }
    }

    private void Work()
    {
        BeNice();
        foreach (var job in waiting.GetConsumingEnumerable())
            job();
    }

    // Thread.Priority does nothing on Linux. There, unlike in POSIX, a process id of 0 means the calling thread alone.
    private static void BeNice()
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(which: 0, who: 0, priority: 10);
    }

    [DllImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, uint who, int priority);
}
