using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>Sends <see cref="PurgeDeletedUsers"/> every hour, on whichever node comes first.</summary>
internal sealed class PurgeSweep(StoreDatabase database, IServiceScopeFactory scopes, TimeProvider clock, ILogger<PurgeSweep> log)
    : HourlySweep("Rows of deleted users could not be removed", clock, log)
{
    protected override TimeSpan First => TimeSpan.FromMinutes(1);

    /// <summary>Everything that is due; null when another node is at it.</summary>
    public async Task<int?> Sweep(CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        await using var hold = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('identity/purge', 0))", connection);
        if (await hold.ExecuteScalarAsync(ct) is not true)
            return null;
        var asked = new PurgeDeletedUsers.Command();
        for (var purged = 0; ;)
        {
            await using var scope = scopes.CreateAsyncScope();
            var last = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(asked, ct);
            purged += last;
            if (last < asked.AtMost)
                return purged;
        }
    }

    protected override Task SweepAll(CancellationToken ct) => Sweep(ct);
}
