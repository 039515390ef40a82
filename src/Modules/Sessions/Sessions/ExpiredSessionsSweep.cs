using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Sessions.Contracts;
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
    public async Task<long?> Sweep(CancellationToken ct) => (await Sweep(new Contracts.CleanUpSessions(), asked: null, ct))?.Ended;

    /// <param name="command">For how long, and who is told how far it is.</param>
    /// <param name="asked">Whose act it is; null: nobody's.</param>
    /// <param name="ct">Ends it between two commits.</param>
    public async Task<CleanedUp?> Sweep(Contracts.CleanUpSessions command, Caller? asked, CancellationToken ct)
    {
        // Spares two nodes the same work, and ends with its connection; that a session ends once is its stream's business.
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        await using var hold = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('sessions/prune', 0))", connection);
        if (await hold.ExecuteScalarAsync(ct) is not true)
            return null;
        return await PruneAll(command, asked, ct);
    }

    protected override Task SweepAll(CancellationToken ct) => Sweep(ct);

    private async Task<CleanedUp> PruneAll(Contracts.CleanUpSessions command, Caller? asked, CancellationToken ct)
    {
        var some = new Contracts.PruneExpiredSessions();
        var began = Clock.GetTimestamp();
        for (var ended = 0L; ;)
        {
            var since = Clock.GetTimestamp();
            await using var scope = scopes.CreateAsyncScope();
            asked?.ActIn(scope.ServiceProvider);
            var last = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(some, ct);
            ended += last;
            command.Progress?.Report(ended);
            if (last < some.AtMost)
                return new CleanedUp(ended, Done: true);
            if (Clock.GetElapsedTime(began) > command.Longest)
                return new CleanedUp(ended, Done: false);
            // It shares the machine with those who are asked about sessions that live; whoever has asked for it waits for it.
            if (asked is null)
                await Task.Delay(Rests * Clock.GetElapsedTime(since), ct);
        }
    }
}
