using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Forgets messages of Clerk that nobody can send again, every hour.</summary>
internal sealed partial class ClerkSweep(StoreDatabase database, IOptions<ClerkOptions> options, TimeProvider clock, ILogger<ClerkSweep> log)
    : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (options.Value.IsOn)
        {
            await Task.Delay(Every, clock, stoppingToken);
            try
            {
                await ClerkLedger.Sweep(database, clock.GetUtcNow(), stoppingToken);
            }
            catch (Exception failure) when (failure is DbException or TimeoutException)
            {
                NotSwept(log, failure);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old messages of Clerk could not be forgotten; trying again in an hour")]
    private static partial void NotSwept(ILogger log, Exception failure);
}
