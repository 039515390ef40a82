using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Kernel;

/// <summary>Removes counts whose window is over; every node does, and two at once do each other no harm.</summary>
internal sealed partial class RateLimitSweep(
    StoreDatabase database, IOptions<RateLimitOptions> options, TimeProvider clock, ILogger<RateLimitSweep> log) : BackgroundService
{
    private const int Chunk = 5_000;

    private static readonly TimeSpan Every = TimeSpan.FromMinutes(5);

    /// <summary>Where nobody asks for anything there is nothing to sweep, and a database may sleep itself.</summary>
    private static readonly TimeSpan AtLeastEvery = TimeSpan.FromHours(1);

    // Asked again outside: a row that is counted on while it is swept is not over any more.
    private const string Delete = $"""
        delete from {RateLimitSchema.Name}.rate_limits where window_ends <= $1 and key in (
            select key from {RateLimitSchema.Name}.rate_limits where window_ends <= $1 limit $2)
        """;

    /// <summary>A short transaction at a time, so that no feed waits (DESIGN §4).</summary>
    public async Task<int> Sweep(CancellationToken ct)
    {
        for (var swept = 0; ;)
        {
            await using var command = database.Pooled.CreateCommand(Delete);
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = clock.GetUtcNow().UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Chunk });
            var last = await command.ExecuteNonQueryAsync(ct);
            swept += last;
            if (last < Chunk)
                return swept;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = Every; options.Value.Enabled;)
        {
            await Task.Delay(wait, clock, stoppingToken);
            try
            {
                wait = await Sweep(stoppingToken) > 0 ? Every : wait * 2 < AtLeastEvery ? wait * 2 : AtLeastEvery;
            }
            catch (Exception failure) when (failure is DbException or TimeoutException)
            {
                NotSwept(log, failure);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Rate limits that are over could not be swept; trying again later")]
    private static partial void NotSwept(ILogger log, Exception failure);
}
