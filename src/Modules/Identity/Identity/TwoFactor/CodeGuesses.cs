using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Identity;

/// <summary>
/// How many codes of a second factor were wrong, once for all nodes. A code is counted before it is compared, so that guesses
/// at the same time cannot be more than the limit; the right one takes the counts back. Kept beside the counts of
/// passwords, whose sweep removes them too. One per scope: a command that runs again after a lost race is still one guess.
/// </summary>
internal sealed class CodeGuesses(StoreDatabase database, AddressHash hash, TimeProvider clock)
{
    /// <summary>Wrong codes of one challenge, or of one mailed code.</summary>
    public const int MostPerChallenge = 5;

    /// <summary>Wrong codes of one user in a row, wherever they come from.</summary>
    public const int MostPerUser = 10;

    private const string CountOne = """
        insert into identity.password_guesses as g (key, failures, next_guess, forgotten) values ($1, 1, '-infinity', $3)
        on conflict (key) do update set
            failures = case when g.forgotten <= $2 then 1 else g.failures + 1 end,
            forgotten = case when g.forgotten > $2 and g.failures + 1 >= $4 then $5 else $3 end
        where g.forgotten <= $2 or g.failures < $4
        returning failures
        """;

    private static readonly TimeSpan Lock = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Memory = TimeSpan.FromDays(1);

    private readonly Dictionary<string, int?> counted = [];

    /// <summary>What a user's count is called, before it is hashed.</summary>
    public static string AccountOf(string userId) => $"second-factor:{userId}";

    /// <summary>Whether a user's codes are refused for now.</summary>
    public async Task<bool> IsLocked(string userId, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            "select exists (select from identity.password_guesses where key = $1 and forgotten > $2 and failures >= $3)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = KeyOfUser(userId) });
        command.Parameters.Add(Time(clock.GetUtcNow()));
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MostPerUser });
        return !counted.ContainsKey(KeyOfUser(userId)) && (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Whether a challenge was made void by one guess too many.</summary>
    public async Task<bool> IsVoid(string id, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            "select exists (select from identity.password_guesses where key = $1 and forgotten > $2 and next_guess = 'infinity')");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = KeyOfChallenge(id) });
        command.Parameters.Add(Time(clock.GetUtcNow()));
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Makes a challenge void for whoever comes from now on: a right code that is being compared still counts.</summary>
    public (string Sql, object[] Parameters) Void(string id) =>
        ("update identity.password_guesses set next_guess = 'infinity' where key = ?", [KeyOfChallenge(id)]);

    /// <summary>Counts a guess of a user: which one in a row it is; null: it may not be made.</summary>
    public Task<int?> OfUser(string userId) => Count(KeyOfUser(userId), MostPerUser, Memory);

    /// <summary>Counts a guess within a challenge, or at a mailed code.</summary>
    public Task<int?> OfChallenge(string id) => Count(KeyOfChallenge(id), MostPerChallenge, Memory);

    /// <summary>The user's count begins anew.</summary>
    public (string Sql, object[] Parameters) Forget(string userId) => GuessCounts.Forget(KeyOfUser(userId));

    /// <summary>A guess within a challenge was not compared after all.</summary>
    public (string Sql, object[] Parameters) TakeBack(string id) => GuessCounts.TakeBack(KeyOfChallenge(id));

    private async Task<int?> Count(string key, int most, TimeSpan memory)
    {
        if (counted.TryGetValue(key, out var before))
            return before;
        var now = clock.GetUtcNow();
        await using var command = database.Pooled.CreateCommand(CountOne);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        command.Parameters.Add(Time(now));
        command.Parameters.Add(Time(now + memory));
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        command.Parameters.Add(Time(most == MostPerUser ? now + Lock : now + memory));
        // Counted even if the client has hung up by now: hanging up must not buy another guess.
        var failures = await command.ExecuteScalarAsync(CancellationToken.None) is int number ? number : (int?)null;
        counted[key] = failures;
        return failures;
    }

    private string KeyOfUser(string userId) => hash.Of(AccountOf(userId));

    private string KeyOfChallenge(string id) => hash.Of($"second-factor-challenge:{id}");

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset at) => new() { TypedValue = at.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
