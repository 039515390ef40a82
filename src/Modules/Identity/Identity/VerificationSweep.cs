using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>
/// Removes one-time secrets that nobody can use any more, every hour. Only a day after their time: until then an expired
/// link is answered as such. States of sign-ins elsewhere and challenges, which anybody may have made, go at their time.
/// </summary>
internal sealed class VerificationSweep(StoreDatabase database, TimeProvider clock, ILogger<VerificationSweep> log)
    : HourlySweep("Expired one-time secrets could not be removed", clock, log)
{
    private const int Chunk = 1000;

    private static readonly string[] MadeByAnybody = [ProviderState.Purpose, PasskeyChallenge.SignInPurpose, PasskeyChallenge.RegistrationPurpose];

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
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = Clock.GetUtcNow() - Kept });
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = Clock.GetUtcNow() });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = MadeByAnybody });
            var last = await command.ExecuteNonQueryAsync(ct);
            removed += last;
            if (last < Chunk)
                return removed;
        }
    }

    protected override Task SweepAll(CancellationToken ct) => Sweep(ct);
}
