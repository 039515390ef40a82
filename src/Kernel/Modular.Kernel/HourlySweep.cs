using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Store;

namespace Modular.Kernel;

/// <summary>
/// Removes what is over, every hour, on every node; a failure of the database is logged, and it is tried again in an hour.
/// </summary>
/// <param name="undone">What is the matter when it fails, for the log: a sentence without its full stop.</param>
/// <param name="clock">Tells the hours.</param>
/// <param name="log">Gets what failed.</param>
public abstract partial class HourlySweep(string undone, TimeProvider clock, ILogger log) : BackgroundService
{
    /// <summary>How long it waits between two.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <summary>Tells the time, also to what is swept.</summary>
    protected TimeProvider Clock { get; } = clock;

    /// <summary>How long it waits after the start; not at once, because a node that has just started has better things to do.</summary>
    protected virtual TimeSpan First => Every;

    /// <summary>Whether there is anything to sweep on this server at all.</summary>
    protected virtual bool IsOn => true;

    /// <summary>Removes all of it, a short commit at a time.</summary>
    protected abstract Task SweepAll(CancellationToken ct);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = First; IsOn; wait = Every)
        {
            await Task.Delay(wait, Clock, stoppingToken);
            try
            {
                await SweepAll(stoppingToken);
            }
            catch (Exception failure) when (failure is DbException or TimeoutException or ConcurrencyException)
            {
                NotSwept(log, undone, failure);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Undone}; trying again in an hour")]
    private static partial void NotSwept(ILogger log, string undone, Exception failure);
}
