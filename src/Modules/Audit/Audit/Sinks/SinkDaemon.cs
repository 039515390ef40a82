using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>Pushes the log to sinks: each served by one node at a time, taken over by another when that one is gone.</summary>
internal sealed partial class SinkDaemon(
    StoreDatabase database, EntryLog log, SinkStates states, SinkHttp http, SinkMetrics metrics, FeedSignal signal, IOptions<SinksOptions> options,
    TimeProvider clock, ILogger<SinkDaemon> logger) : BackgroundService
{
    private static readonly TimeSpan TakeOver = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(options.Value.All.Select(sink => Forever(sink.Key, sink.Value, stoppingToken)));

    private async Task Forever(string name, SinkOptions sink, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var hint = await Serve(name, sink, ct);
                // Nothing has happened for long: without the lock, which another node may take, and without a connection.
                await signal.Rest(hint, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure) when (failure is NpgsqlException or TimeoutException or InvalidOperationException or IOException or JsonException or CryptographicException)
            {
                NotServed(logger, name, failure);
                await Task.Delay(TakeOver, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            finally
            {
                metrics.Stops(name);
            }
        }
    }

    // The lock only decides who works; that a cursor moves once is said by the statement that moves it.
    private async Task<Task> Serve(string name, SinkOptions sink, CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        for (var hint = signal.Next; !await TryLock(connection, name, ct); hint = signal.Next)
        {
            if (signal.IsQuiet)
                return hint;
            await Task.Delay(TakeOver, ct);
        }

        var turn = new SinkTurn(name, sink, log, states, http, metrics, signal, clock);
        return await turn.Run(connection, ct);
    }

    private static async Task<bool> TryLock(NpgsqlConnection connection, string name, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 9))", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"audit/sink/{name}", NpgsqlDbType = NpgsqlDbType.Text });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The sink {Name} is not served for the moment")]
    private static partial void NotServed(ILogger log, string name, Exception failure);
}

/// <summary>One node's turn at one sink.</summary>
internal sealed class SinkTurn(
    string name, SinkOptions sink, EntryLog log, SinkStates states, SinkHttp http, SinkMetrics metrics, FeedSignal signal, TimeProvider clock)
{
    private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Latest = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestWish = TimeSpan.FromHours(1);

    /// <summary>Works until nothing has happened for long. Returns the hint that ends the rest.</summary>
    public async Task<Task> Run(NpgsqlConnection connection, CancellationToken ct)
    {
        var first = sink.FromNow ? await log.Head(ct) : 0;
        // The same entries again until they are taken: with what has come since it would be another batch under another id.
        // But read again, because somebody may be erased meanwhile.
        (long From, int Run, long End)? tried = null;
        for (var wait = Soonest; ;)
        {
            var hint = signal.Next;
            await StillMine(connection, ct);
            var state = await states.Of(name, first, ct);
            if (tried is { } before && (before.From, before.Run) != (state.Next, state.Run))
                tried = null;
            if (state.IsPaused || state.NextAttempt > clock.GetUtcNow())
            {
                if (state.IsPaused && signal.IsQuiet)
                    return hint;
                await Task.Delay(TakeOverOr(state), ct);
                continue;
            }

            var batch = SinkBatch.Of(state, sink, await log.Chunk(state.Next, sink.IncludePersonalData, ct), tried?.End);
            if (batch.Next > state.Next)
            {
                tried = await Push(state, batch, ct) ? null : (state.Next, state.Run, batch.Next);
                wait = Soonest;
                continue;
            }

            // What was tried is not there any more: dropped by its age.
            if (tried is not null)
            {
                tried = null;
                continue;
            }

            metrics.IsBehind(name, 0);
            if (signal.IsQuiet)
                return hint;
            // The hint comes when events are committed, a moment before they are entries: so look again soon, then less and less.
            await Task.WhenAny(hint, Task.Delay(wait < Latest ? wait : signal.Net, ct));
            ct.ThrowIfCancellationRequested();
            wait = hint.IsCompleted ? Soonest : TimeSpan.FromTicks(Math.Min(Latest.Ticks, wait.Ticks * 2));
            if (hint.IsCompleted)
                await Task.Delay(Soonest, ct);
        }
    }

    /// <summary>How long to leave the sink alone: what it wishes, within bounds, else longer with every failure, and never all nodes at once.</summary>
    internal static TimeSpan PauseAfter(int attempts, TimeSpan? wish, double chance)
    {
        var backOff = TimeSpan.FromSeconds(Math.Min(FirstPause.TotalSeconds * Math.Pow(2, Math.Min(attempts, 20)), LongestPause.TotalSeconds));
        var jittered = backOff * (0.5 + (chance / 2));
        return wish is { } wished && wished > jittered ? (wished < LongestWish ? wished : LongestWish) : jittered;
    }

    private async Task<bool> Push(SinkState state, SinkBatch batch, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (batch.Body is null)
            return await states.Move(state, batch.Next, now, wasSent: false, ct);
        metrics.IsBehind(name, await log.Head(ct) - state.Next);
        SinkAnswer answer;
        using (var request = batch.Request(sink, now))
            answer = await http.Send(request, sink, now, ct);
        if (answer.Error is null)
        {
            metrics.Sent(name, batch.Entries);
            // Also when the node stops: what was taken should not be sent again.
            return await states.Move(state, batch.Next, clock.GetUtcNow(), wasSent: true, CancellationToken.None);
        }

        metrics.Failed(name, answer.Error);
        var pause = PauseAfter(state.Attempts, answer.RetryAfter, RandomNumberGenerator.GetInt32(1000) / 1000.0);
        await states.Fail(state, clock.GetUtcNow() + pause, answer.Error, answer.IsGone, ct);
        return false;
    }

    // A connection that was cut has no lock any more, and another node may be at it.
    private static async Task StillMine(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select 1", connection);
        await command.ExecuteScalarAsync(ct);
    }

    // An operator may resume it or send it back meanwhile.
    private TimeSpan TakeOverOr(SinkState state)
    {
        var left = state.IsPaused ? Latest / 2 : state.NextAttempt!.Value - clock.GetUtcNow();
        return left > Latest / 2 ? Latest / 2 : left < Soonest ? Soonest : left;
    }
}
