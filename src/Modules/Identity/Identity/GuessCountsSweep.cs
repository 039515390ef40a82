using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Modular.Identity;

/// <summary>Removes counts of guesses that are forgotten, every hour; two nodes at once do each other no harm.</summary>
internal sealed partial class GuessCountsSweep(GuessCounts counts, TimeProvider clock, ILogger<GuessCountsSweep> log) : BackgroundService
{
    private const int Chunk = 5_000;

    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(Every, clock, stoppingToken);
            try
            {
                while (await counts.RemoveForgotten(Chunk, stoppingToken) == Chunk)
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Forgotten counts of password guesses could not be removed; trying again in an hour")]
    private static partial void NotSwept(ILogger log, Exception failure);
}
