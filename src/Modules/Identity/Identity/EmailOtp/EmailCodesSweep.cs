using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Removes codes that are over, every hour; two nodes at once do each other no harm.</summary>
internal sealed partial class EmailCodesSweep(StoreDatabase database, TimeProvider clock, ILogger<EmailCodesSweep> log) : BackgroundService
{
    private const int Chunk = 1_000;

    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(Every, clock, stoppingToken);
            try
            {
                while (await EmailCodes.Sweep(database, clock.GetUtcNow(), Chunk, stoppingToken) == Chunk)
                {
                    // One transaction per chunk.
                }
            }
            catch (Exception failure) when (failure is DbException or TimeoutException)
            {
                NotSwept(log, failure);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Codes that are over could not be removed; trying again in an hour")]
    private static partial void NotSwept(ILogger log, Exception failure);
}
