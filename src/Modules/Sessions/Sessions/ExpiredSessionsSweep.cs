using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;
using Npgsql;

namespace Modular.Sessions;

/// <summary>Sends <see cref="Contracts.PruneExpiredSessions"/> every hour, on whichever node comes first.</summary>
internal sealed class ExpiredSessionsSweep(StoreDatabase database, IServiceScopeFactory scopes, TimeProvider clock, ILogger<ExpiredSessionsSweep> log)
    : HourlySweep("Expired sessions could not be ended", clock, log)
{
    /// <summary>How long it rests after a commit, in times of what that took.</summary>
    private const int Rests = 3;

    protected override TimeSpan First => TimeSpan.FromMinutes(1);

    /// <summary>Ends everything that is over, a short commit at a time; null when another node is at it.</summary>
    public async Task<int?> Sweep(CancellationToken ct)
    {
        // Spares two nodes the same work, and ends with its connection; that a session ends once is its stream's business.
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        await using var hold = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('sessions/prune', 0))", connection);
        if (await hold.ExecuteScalarAsync(ct) is not true)
            return null;
        return await PruneAll(ct);
    }

    protected override Task SweepAll(CancellationToken ct) => Sweep(ct);

    private async Task<int> PruneAll(CancellationToken ct)
    {
        var asked = new Contracts.PruneExpiredSessions();
        for (var ended = 0; ;)
        {
            var since = Clock.GetTimestamp();
            await using var scope = scopes.CreateAsyncScope();
            var last = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(asked, ct);
            ended += last;
            if (last < asked.AtMost)
                return ended;
            // Nobody waits for it, and it shares the machine with those who are asked about sessions that live.
            await Task.Delay(Rests * Clock.GetElapsedTime(since), ct);
        }
    }
}
