using System.Data.Common;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>Sends <see cref="PurgeDeletedUsers"/> every hour, on whichever node comes first.</summary>
internal sealed partial class PurgeSweep(StoreDatabase database, IServiceScopeFactory scopes, TimeProvider clock, ILogger<PurgeSweep> log) : BackgroundService
{
    private static readonly TimeSpan First = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

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

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = First; ; wait = Every)
        {
            await Task.Delay(wait, clock, stoppingToken);
            try
            {
                await Sweep(stoppingToken);
            }
            catch (Exception failure) when (failure is DbException or TimeoutException or ConcurrencyException)
            {
                NotSwept(log, failure);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Rows of deleted users could not be removed; trying again in an hour")]
    private static partial void NotSwept(ILogger log, Exception failure);
}
