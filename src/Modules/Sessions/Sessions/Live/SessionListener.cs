using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Store;
using Npgsql;

namespace Modular.Sessions;

/// <summary>
/// Hears what other nodes and the database's own operators change about sessions, and proves that it hears (DESIGN §6,
/// rules 4 and 5). One connection, one loop: a proof cannot overtake a notification that came before it.
/// </summary>
internal sealed partial class SessionListener(StoreDatabase database, LiveSessions sessions, SessionLease lease, LiveSessionsMetrics metrics, ILogger<SessionListener> log)
    : BackgroundService
{
    /// <summary>What the triggers of <see cref="SessionTriggers"/> notify; the payload is a user's id.</summary>
    public const string Channel = "modular_sessions";

    // Three proofs may be lost before the lease is.
    private static readonly TimeSpan Beat = SessionLease.Length / 4;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = TimeSpan.FromMilliseconds(20);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await lease.Wanted(stoppingToken);
                await Listen(() => pause = TimeSpan.FromMilliseconds(20), stoppingToken);
            }
            catch (Exception failure) when (failure is DbException or TimeoutException or IOException or InvalidOperationException && !stoppingToken.IsCancellationRequested)
            {
                Lost(log, failure.Message);
            }
            finally
            {
                // Before anything else: what is not heard must not be answered from memory.
                lease.Lose();
                metrics.LostLease();
            }

            await Task.Delay(pause, stoppingToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task Listen(Action heard, CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        connection.Notification += (_, notification) => sessions.Forget(notification.Payload);
        await using (var listen = new NpgsqlCommand($"listen {Channel}", connection))
            await listen.ExecuteNonQueryAsync(ct);

        // Only now: a fill that has begun before the commit of LISTEN may hold what nobody will tell of.
        sessions.Forget(LiveSessions.Everybody);
        while (true)
        {
            await Prove(connection, ct);
            heard();
            await connection.WaitAsync(Beat, ct);
            // An idle server lets its database sleep; the connection stays, and what it hears is processed.
            while (!lease.IsWanted)
                await Rest(connection, ct);
        }
    }

    private async Task Prove(NpgsqlConnection connection, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(SessionLease.Length);
        var sent = lease.Time;
        await using var ping = new NpgsqlCommand("select not pg_is_in_recovery()", connection);
        try
        {
            if (await ping.ExecuteScalarAsync(patience.Token) is not true)
                throw new InvalidOperationException("The database is no longer the one that is written to.");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"The database did not answer within {SessionLease.Length.TotalSeconds:0} s.");
        }

        lease.Renew(sent);
    }

    // Until a check arrives, hearing what is told meanwhile.
    private async Task Rest(NpgsqlConnection connection, CancellationToken ct)
    {
        using var woken = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var check = lease.Wanted(woken.Token);
        var told = connection.WaitAsync(woken.Token);
        await Task.WhenAny(check, told);
        await woken.CancelAsync();
        foreach (var waiting in (Task[])[check, told])
        {
            try
            {
                await waiting;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                // The other one came first.
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sessions are checked in the database until changes can be heard again: {Problem}")]
    private static partial void Lost(ILogger log, string problem);
}
