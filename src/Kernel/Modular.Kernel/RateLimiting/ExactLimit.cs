using System.Security.Cryptography;
using System.Text;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Kernel;

/// <summary>
/// Counts attempts at secrets once for all nodes, in one statement of a transaction of its own: however many come at once,
/// exactly <see cref="RateLimit.Max"/> are let through. A node remembers a refusal, and only a refusal, until the window
/// is over: nothing can end it sooner, and a flood of refused requests costs the database nothing.
/// </summary>
internal sealed class ExactLimit(StoreDatabase database, KeyRing keys)
{
    private const int KeyBytes = 16;

    // A count that a crash of the database takes back by some milliseconds is no loss; waiting for its disk would be.
    // A window that ends further away than any node could have set it comes from a clock that was wrong.
    private const string CountOne = $"""
        insert into {RateLimitSchema.Name}.rate_limits as r (key, requests, window_ends)
        select $1, 1, $3 where set_config('synchronous_commit', 'off', true) is not null
        on conflict (key) do update set
            requests = case when r.window_ends <= $2 or r.window_ends > $4 then 1 else least(r.requests, $5) + 1 end,
            window_ends = case
                when r.window_ends <= $2 or r.window_ends > $4 then $3
                when r.requests < $5 then greatest(r.window_ends, $3)
                else r.window_ends end
        returning requests, window_ends
        """;

    private readonly Deadlines refused = new();

    /// <summary>Zero: allowed, and counted. Otherwise how long to wait.</summary>
    public async Task<TimeSpan> Count(LimitedPath path, string? address, DateTimeOffset now)
    {
        var key = refused.Key(path.Hash, address);
        var known = refused.Get(key);
        // Further away than two windows: the clock has been set back.
        if (known > now.UtcTicks && known <= (now + (2 * path.Limit.Window)).UtcTicks)
            return TimeSpan.FromTicks(known - now.UtcTicks);
        var (requests, windowEnds) = await Add(path.Limit, Stored(path.Path, address), now);
        if (requests <= path.Limit.Max)
            return TimeSpan.Zero;
        refused.TryMove(key, known, windowEnds.UtcTicks);
        return windowEnds - now;
    }

    private async Task<(int Requests, DateTimeOffset WindowEnds)> Add(RateLimit limit, byte[] key, DateTimeOffset now)
    {
        await using var command = database.Pooled.CreateCommand(CountOne);
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key });
        foreach (var time in (DateTimeOffset[])[now, now + limit.Window, now + (2 * limit.Window)])
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit.Max });
        // Counted even if the client has hung up by now: hanging up must not buy another guess.
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        await row.ReadAsync(CancellationToken.None);
        return (row.GetInt32(0), row.GetFieldValue<DateTimeOffset>(1));
    }

    // Addresses are personal data, and a dump of the table has no use for them.
    private byte[] Stored(string path, string? address) =>
        HMACSHA256.HashData(keys.Of("rate-limit"), Encoding.UTF8.GetBytes($"{path}\n{address}"))[..KeyBytes];
}
