using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>
/// Removes one-time secrets that nobody can use any more, every hour. Only a day after their time: until then an expired
/// link is answered as such. States of sign-ins elsewhere and challenges, which anybody may have made, go at their time.
/// </summary>
internal sealed partial class VerificationSweep(StoreDatabase database, TimeProvider clock, ILogger<VerificationSweep> log) : BackgroundService
{
    private const int Chunk = 1000;

    private static readonly string[] MadeByAnybody = [ProviderState.Purpose, PasskeyChallenge.SignInPurpose, PasskeyChallenge.RegistrationPurpose];

    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    /// <summary>In short commits; several nodes at once do no harm.</summary>
    public async Task<int> Sweep(CancellationToken ct)
    {
        for (var removed = 0; ;)
        {
            await using var command = database.Pooled.CreateCommand($"""
                delete from identity.mt_doc_verification where id = any (array(
                    select id from identity.mt_doc_verification where expires_at < $1 or (expires_at < $2 and purpose = any ($3)) limit {Chunk} for update skip locked))
                """);
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() - Kept });
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = MadeByAnybody });
            var last = await command.ExecuteNonQueryAsync(ct);
            removed += last;
            if (last < Chunk)
                return removed;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(Every, clock, stoppingToken);
            try
            {
                await Sweep(stoppingToken);
            }
            catch (Exception failure) when (failure is DbException or TimeoutException)
            {
                NotSwept(log, failure);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Expired one-time secrets could not be removed; trying again in an hour")]
    private static partial void NotSwept(ILogger log, Exception failure);
}
