using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Modular.Store;

/// <summary>Runs the subscriptions: each on one node at a time, taken over by another when that one is gone.</summary>
internal sealed class SubscriptionDaemon(
    StoreRegistry registry, EventFeed feed, StoreParts parts, FeedMetrics metrics, IServiceScopeFactory scopes, ILogger<SubscriptionDaemon> log)
    : BackgroundService, IProjectionDaemon
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, SubscriptionStatus> _statuses = new();

    public IReadOnlyCollection<SubscriptionStatus> Statuses => [.. _statuses.Values];

    public async Task WaitForNonStaleData(TimeSpan timeout)
    {
        using var late = new CancellationTokenSource(timeout);
        // All are looked up before any is waited for: what is committed now, not what is committed meanwhile.
        var latest = new List<(SubscriptionMapping Subscription, FeedPosition Position)>();
        foreach (var subscription in registry.Subscriptions)
            latest.Add((subscription, await feed.Latest(feed.Asked(subscription.Modules), late.Token)));
        // Whoever committed may have told nobody: a command line has no background half.
        parts.Signal.Heard();
        foreach (var (subscription, position) in latest)
        {
            while (await SubscriptionRun.Progress(parts.Database, subscription, late.Token) < position)
                await Task.Delay(10, late.Token);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(registry.Subscriptions.Select(subscription => Run(subscription, stoppingToken)));

    private async Task Run(SubscriptionMapping subscription, CancellationToken ct)
    {
        var pause = Soon;
        while (!ct.IsCancellationRequested)
        {
            await using var run = new SubscriptionRun(subscription, feed, parts, metrics, scopes, Report);
            try
            {
                var hint = await run.Work(ct);
                // It rests: without its lock, which another node may take that has something to do, and without a connection.
                await run.DisposeAsync();
                await parts.Signal.Rest(hint, ct);
            }
            catch (Exception fatal) when (fatal is ProgressBeyondPresentException or UnknownEventTypeException)
            {
                log.LogCritical("Subscription {Name} stops: {Reason}", subscription.Name, fatal.Message);
                Report(Now(subscription, SubscriptionStatus.Stopped, fatal.Message));
                return;
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                pause = run.HasAdvanced ? Soon : pause;
                log.LogWarning(failure, "Subscription {Name} failed; it goes on in {Pause}", subscription.Name, pause);
                Report(Now(subscription, SubscriptionStatus.Failing, failure.Message));
                // Its lock goes before the pause, not after: another node may be luckier.
                await run.DisposeAsync();
                await Task.Delay(pause, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = TimeSpan.FromSeconds(Math.Min(30, pause.TotalSeconds * 2));
            }
        }
    }

    private SubscriptionStatus Now(SubscriptionMapping subscription, string state, string problem) => new(
        subscription.Name, state, _statuses.GetValueOrDefault(subscription.Name)?.Position ?? FeedPosition.Start, problem);

    private void Report(SubscriptionStatus status) => _statuses[status.Name] = status;
}

/// <summary>What runs in the background and how far it is.</summary>
public interface IProjectionDaemon
{
    /// <summary>How each subscription is doing on this node.</summary>
    IReadOnlyCollection<SubscriptionStatus> Statuses { get; }

    /// <summary>Waits until every subscription, on whichever node, has applied all that is committed now.</summary>
    /// <exception cref="OperationCanceledException">It took longer than <paramref name="timeout"/>.</exception>
    Task WaitForNonStaleData(TimeSpan timeout);
}

/// <summary>
/// One node's turn at one subscription. The advisory lock only decides who works; that a page is applied once is
/// guaranteed by the progress it moves, in the page's own transaction (DESIGN §4).
/// </summary>
internal sealed class SubscriptionRun(
    SubscriptionMapping subscription, EventFeed feed, StoreParts parts, FeedMetrics metrics, IServiceScopeFactory scopes,
    Action<SubscriptionStatus> report) : IAsyncDisposable
{
    private const int PageSize = 500;

    private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan HeldBack = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan TakeOver = TimeSpan.FromSeconds(1);

    private NpgsqlConnection? _connection;

    /// <summary>Whether it has applied a page.</summary>
    public bool HasAdvanced { get; private set; }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync();
    }

    /// <summary>Works until nothing has happened for long. Returns the hint that ends the rest.</summary>
    public async Task<Task> Work(CancellationToken ct)
    {
        _connection = await parts.Database.Direct.OpenConnectionAsync(ct);
        for (var hint = parts.Signal.Next; !await TryLock(ct); hint = parts.Signal.Next)
        {
            if (parts.Signal.IsQuiet)
                return hint;
            report(new SubscriptionStatus(subscription.Name, SubscriptionStatus.Standby, FeedPosition.Start, null));
            metrics.Stops(subscription.Name);
            await Task.Delay(TakeOver, ct);
        }

        var position = await Progress(parts.Database, subscription, ct);
        var present = await EventFeed.Present(_connection, ct);
        if (position.Epoch > present.Epoch || (position.Epoch == present.Epoch && position.Transaction > present.Transaction))
            throw new ProgressBeyondPresentException(subscription.Name, position, present);
        return await Follow(position, ct);
    }

    /// <summary>How far a subscription is, by what is committed.</summary>
    public static async Task<FeedPosition> Progress(StoreDatabase database, SubscriptionMapping subscription, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            $"select epoch, xact, module, seq_id from {subscription.Schema}.mt_event_progression where name = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = subscription.Name });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new FeedPosition(row.GetInt32(0), row.GetFieldValue<ulong>(1), row.GetString(2), row.GetInt64(3))
            : FeedPosition.Start;
    }

    private async Task<bool> TryLock(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 7))", _connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{subscription.Schema}/{subscription.Name}" });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    private async Task<Task> Follow(FeedPosition position, CancellationToken ct)
    {
        var modules = feed.Asked(subscription.Modules);
        await EventFeed.Settle(_connection!, ct);
        var held = Soonest;
        while (true)
        {
            report(new SubscriptionStatus(subscription.Name, SubscriptionStatus.Running, position, null));
            var hint = parts.Signal.Next;
            var events = await feed.ReadAfter(_connection!, position, PageSize, modules, ct, keeps: true);
            if (events.Count > 0)
            {
                metrics.Applies(subscription.Name, events[0].Timestamp);
                position = await Apply(position, events, ct);
                held = Soonest;
                if (events.Count == PageSize)
                    continue;
            }

            // What an older open transaction holds back gives no hint when it may be read: so look again soon, then
            // less and less. Where nothing is held back the next event brings a hint, or is found when the net is drawn. What was
            // committed since the page was read counts as held back, so it is looked for at once.
            var isHeld = await EventFeed.IsHeldBack(_connection!, position, modules, ct, keeps: true);
            if (isHeld)
                metrics.IsHeldBack(subscription.Name);
            else
                metrics.IsUpToDate(subscription.Name);
            if (!isHeld && parts.Signal.IsQuiet)
                return hint;
            await Wait(hint, isHeld ? held : parts.Signal.Net, ct);
            held = isHeld ? TimeSpan.FromTicks(Math.Min(HeldBack.Ticks, held.Ticks * 2)) : Soonest;
        }
    }

    private static async Task Wait(Task hint, TimeSpan longest, CancellationToken ct)
    {
        using var poll = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(hint, Task.Delay(longest, poll.Token));
        await poll.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }

    private async Task<FeedPosition> Apply(FeedPosition floor, IReadOnlyList<IEvent> events, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        var metadata = scope.ServiceProvider.GetRequiredService<EventMetadata>();
        await using var session = new DocumentSession(parts, metadata);
        var handler = (ISubscription)scope.ServiceProvider.GetRequiredService(subscription.Type);
        var page = new EventRange(subscription.Name, floor, events[^1].Position, events);
        session.QueueFirst(new ProgressOperation(subscription, floor, page.Ceiling));
        await handler.ProcessEventsAsync(page, session, ct);
        await session.SaveChangesAsync(ct);
        HasAdvanced = true;
        return page.Ceiling;
    }
}

/// <summary>Moves a subscription's progress: the fence that makes a page take effect once.</summary>
internal sealed class ProgressOperation(SubscriptionMapping subscription, FeedPosition from, FeedPosition to) : IStorageOperation
{
    public void Write(StoreBatch batch)
    {
        var table = $"{subscription.Schema}.mt_event_progression";
        var first = from == FeedPosition.Start;
        batch.Sql(first
            ? $"insert into {table} (name, epoch, xact, module, seq_id) values ($1, $2, $3, $4, $5)"
            : $"with moved as (update {table} set epoch = $2, xact = $3, module = $4, seq_id = $5, last_updated = now() where name = $1 and (epoch, xact, module, seq_id) = ($6, $7, $8, $9) returning 1) select store.expect((select count(*) from moved), 1, 'progress')")
            .With(subscription.Name);
        Position(batch, to);
        if (!first)
            Position(batch, from);
    }

    public Exception? Explain(PostgresException failure) =>
        failure.SqlState is StoreBatch.ExpectationFailed or PostgresErrorCodes.UniqueViolation
            ? new ProgressionProgressOutOfOrderException(subscription.Name, failure)
            : null;

    private static void Position(StoreBatch batch, FeedPosition position) => batch
        .With(position.Epoch)
        .With(position.Transaction, NpgsqlTypes.NpgsqlDbType.Xid8)
        .With(position.Module)
        .With(position.Sequence);
}
