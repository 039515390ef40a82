using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Store;

namespace Modular.Messaging;

/// <summary>Works off the queues of this node: claims, hands to the workers, extends leases, counts.</summary>
internal sealed class MessagingDaemon(
    MessageRegistry registry, LocalQueues local, EnvelopeTable table, EnvelopeHandling handling, DeadLetters deadLetters,
    StoreDatabase database, FeedSignal feed, MessagingSettings settings, MessagingMetrics metrics, TimeProvider clock,
    IServiceProviderIsService services, ILogger<MessagingDaemon> log) : BackgroundService, IMessagingDaemon
{
    private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(5);

    /// <summary>Until the first look that nobody has asked for: where one may have to be told, it is by then.</summary>
    private static readonly TimeSpan Untold = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Latest = TimeSpan.FromSeconds(15);

    /// <summary>Hints come for events as well: following each would keep an idle node busy while others write.</summary>
    private static readonly TimeSpan BetweenHints = TimeSpan.FromMilliseconds(20);

    private IReadOnlyCollection<QueueStatus> _statuses = [];
    private volatile string? _problem;

    public IReadOnlyCollection<QueueStatus> Statuses => Volatile.Read(ref _statuses);

    public string? Problem => _problem;

    public async Task WaitForEmpty(TimeSpan timeout)
    {
        var started = Stopwatch.GetTimestamp();
        // A test may have moved the clock, which wakes nobody.
        local.Wake();
        while (await table.Unfinished(registry.Queues, clock.GetUtcNow(), CancellationToken.None) is { } unfinished)
        {
            if (Stopwatch.GetElapsedTime(started) > timeout)
                throw new TimeoutException($"After {timeout} there was still {unfinished}.{(_problem is { } problem ? $" {problem}" : "")}");
            await Task.Delay(10);
        }
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var handler in registry.Handlers)
        {
            if (handler.Injected.FirstOrDefault(type => !services.IsService(type)) is { } missing)
                throw new InvalidOperationException($"{handler.HandlerType}.Handle asks for {missing}, which is not registered.");
        }

        local.Start(handling.Handle);
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        var unbegun = local.Close();
        await base.StopAsync(cancellationToken);
        await Release(unbegun);
        // Handlers that have begun may finish for as long as the host grants, then they are cancelled and given back.
        await Finished(cancellationToken);
        foreach (var claim in local.All.SelectMany(queue => queue.Claims))
            claim.Stop();
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await Finished(grace.Token);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        Forever("claim messages", Claim, stoppingToken),
        Forever("extend leases", Renew, stoppingToken),
        Forever("count messages", Inspect, stoppingToken));

    private async Task Forever(string what, Func<CancellationToken, Task> work, CancellationToken ct)
    {
        // The host does not wait for the first claim.
        await Task.Yield();
        var pause = TimeSpan.FromMilliseconds(100);
        while (!ct.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                await work(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // What ran for a while before it failed is no repetition of the last failure.
                if (Stopwatch.GetElapsedTime(started) > Latest)
                    pause = TimeSpan.FromMilliseconds(100);
                _problem = $"Cannot {what}: {failure.Message}";
                log.LogWarning(failure, "Cannot {What}; again in {Pause}", what, pause);
                await Task.Delay(pause, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = TimeSpan.FromTicks(Math.Min(Latest.Ticks, pause.Ticks * 2));
            }
        }
    }

    private async Task Claim(CancellationToken ct)
    {
        await table.AdoptRestored(ct);
        await using var connection = await ClaimConnection.Open(database, local, ct);
        var wait = Soonest;
        var (woken, hint) = (local.Woken, feed.Next);
        while (true)
        {
            var looked = Stopwatch.GetTimestamp();
            var found = await connection.Take(clock.GetUtcNow(), ct);
            _problem = null;
            foreach (var envelope in found.Claimed)
                local.Add(new Claim(envelope));
            // Who wakes us while a walk goes on may mean a group that it has passed: so the same signals stay watched.
            if (found.More)
                continue;
            if (feed.IsQuiet && found is { Claimed.Count: 0, Held: false })
            {
                // Nothing has happened for long. A connection that is kept is cut when the database goes to sleep. What a node
                // has claimed and dies with is found when the claim has run out, though nobody tells.
                DateTimeOffset?[] next = [found.NextDue, await connection.FirstLapse(ct)];
                await connection.DisposeAsync();
                await Wait(woken, hint, Until(next.Min(), feed.LongestRest), looked, ct);
                return;
            }

            // Nobody tells when an older transaction has ended; everything else comes with a hint, and this is the net below.
            wait = found.Held ? Soonest : TimeSpan.FromTicks(Math.Clamp(found.Claimed.Count > 0 ? 0 : wait.Ticks * 2, Untold.Ticks, Latest.Ticks));
            await Wait(woken, hint, Until(found.NextDue, wait), looked, ct);
            (woken, hint) = (local.Woken, feed.Next);
        }
    }

    private TimeSpan Until(DateTimeOffset? due, TimeSpan longest) =>
        due - clock.GetUtcNow() is { } left && left < longest ? (left < Soonest ? Soonest : left) : longest;

    private static async Task Wait(Task woken, Task hint, TimeSpan longest, long looked, CancellationToken ct)
    {
        using var poll = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var first = await Task.WhenAny(woken, hint, Task.Delay(longest, poll.Token));
        if (first == hint && BetweenHints - Stopwatch.GetElapsedTime(looked) is { Ticks: > 0 } early)
            await Task.WhenAny(woken, Task.Delay(early, poll.Token));
        await poll.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }

    private async Task Renew(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(local.Lease / 6, ct);
            var aging = local.All.SelectMany(queue => queue.Claims).Where(claim => claim.LeaseAge > local.Lease / 3).ToList();
            foreach (var late in aging.Where(claim => claim.RunningFor > settings.HandlerTimeout))
                late.Cancel();
            aging.RemoveAll(claim => claim.RunningFor > settings.HandlerTimeout);
            if (aging.Count == 0)
                continue;
            var renewed = await table.Renew([.. aging.Select(claim => claim.Envelope)], ct);
            foreach (var claim in aging)
            {
                if (renewed.Contains((claim.Envelope.Id, claim.Envelope.Queue)))
                    claim.Renewed();
                else
                    claim.Lose();
            }
        }
    }

    private async Task Inspect(CancellationToken ct)
    {
        var known = registry.Queues.SelectMany(queue => queue.MessageTypes.Select(type => (queue.Name, type))).ToHashSet();
        var reported = new HashSet<(string, string)>();
        while (true)
        {
            var started = Stopwatch.GetTimestamp();
            var hint = feed.Next;
            var depths = await table.Depths(ct);
            metrics.Counted(depths);
            Volatile.Write(ref _statuses, [.. depths.Select(depth => new QueueStatus(
                depth.Queue, depth.MessageType, depth.Count, depth.OldestSent, known.Contains((depth.Queue, depth.MessageType))))]);
            foreach (var unknown in Statuses.Where(status => !status.Known && reported.Add((status.Queue, status.MessageType))))
                log.LogError("{Count} messages '{Type}' wait in {Queue}, which no handler of this version takes; they are left alone", unknown.Count, unknown.MessageType, unknown.Queue);
            await deadLetters.ReplayMarked(ct);
            // Counting a long table must not become the main work.
            var took = Stopwatch.GetElapsedTime(started);
            await Task.Delay(took * 50 > settings.Inspection ? took * 50 : settings.Inspection, ct);
            if (feed.IsQuiet)
                await feed.Rest(hint, ct);
        }
    }

    private async Task Release(IReadOnlyList<Claim> unbegun)
    {
        try
        {
            await table.Release([.. unbegun.Select(claim => claim.Envelope)]);
        }
        catch (Exception failure)
        {
            log.LogWarning("{Count} claims could not be given back and are taken over when their lease is over: {Reason}", unbegun.Count, failure.Message);
        }
    }

    private async Task Finished(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested && local.All.Any(queue => queue.Claims.Count > 0))
            await Task.Delay(10, CancellationToken.None);
    }
}
