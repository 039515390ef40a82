using Microsoft.Extensions.Options;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Identity;

/// <summary>How many guesses at a password were wrong, and when the next one may be made: one row per account, and one per address it is known from.</summary>
internal sealed class GuessCounts(StoreDatabase database, IOptions<GuessLimitOptions> options, TimeProvider clock)
{
    public const string Table = """
        create table {schema}.password_guesses (
            key text collate "C" primary key,
            failures integer not null,
            next_guess timestamptz not null,
            forgotten timestamptz not null) with (fillfactor = 70);
        """;

    /// <summary>Up to when the log knows that guesses are refused.</summary>
    public const string Told = "alter table {schema}.password_guesses add column told timestamptz;";

    // $1 is the account, $2 the account from this address, $4 the waits after one failure, two and so on. A count that a
    // crash of the database takes back by some milliseconds is no loss; waiting for its disk would be.
    private const string CountOne = """
        insert into identity.password_guesses as g (key, failures, next_guess, forgotten)
        select case when exists (select from identity.password_guesses where key = $2 and forgotten > $3) then $2 else $1 end,
            1, coalesce($3 + nullif($4[1], interval '0'), '-infinity'), $5
        where set_config('synchronous_commit', 'off', true) is not null
        on conflict (key) do update set
            failures = case when g.forgotten <= $3 then 1 else g.failures + 1 end,
            next_guess = coalesce($3 + nullif($4[case when g.forgotten <= $3 then 1 else least(g.failures + 1, cardinality($4)) end],
                interval '0'), '-infinity'),
            forgotten = $5
        where g.next_guess <= $3 or g.forgotten <= $3
        returning key
        """;

    // Of many refusals during one wait a single one is the first, whichever node they are on: the row's lock decides.
    private const string NextGuess = """
        with waits as (
            select key, next_guess, told is distinct from next_guess as is_first from identity.password_guesses
            where key = $1 or (key = $2 and forgotten > $3) order by key = $2 desc limit 1),
        first as (
            update identity.password_guesses as g set told = g.next_guess from waits
            where waits.is_first and g.key = waits.key and g.next_guess > $3 and g.told is distinct from g.next_guess
            returning g.key)
        select next_guess, exists (select from first) from waits
        """;

    // Asked again outside: a row that is counted on while it is swept is not forgotten any more.
    private const string Sweep = """
        delete from identity.password_guesses where forgotten <= $1 and key in (
            select key from identity.password_guesses where forgotten <= $1 limit $2)
        """;

    public bool AreLimited => options.Value.Enabled;

    public static (string Sql, object[] Parameters) Forget(string key) => ("delete from identity.password_guesses where key = ?", [key]);

    public static (string Sql, object[] Parameters) TakeBack(string key) =>
        ("update identity.password_guesses set failures = failures - 1, next_guess = '-infinity' where key = ? and failures > 0", [key]);

    public (string Sql, object[] Parameters) Trust(string key) => (
        """
        insert into identity.password_guesses (key, failures, next_guess, forgotten) values (?, 0, '-infinity', ?)
        on conflict (key) do update set failures = 0, next_guess = '-infinity', forgotten = excluded.forgotten
        """,
        [key, clock.GetUtcNow() + options.Value.Memory]);

    /// <summary>An address is known from now on; unlike <see cref="Trust"/>, what was guessed wrong from there counts on.</summary>
    public (string Sql, object[] Parameters) Know(string key) => (
        """
        insert into identity.password_guesses as g (key, failures, next_guess, forgotten) values (?, 0, '-infinity', ?)
        on conflict (key) do update set
            failures = case when g.forgotten <= ? then 0 else g.failures end,
            next_guess = case when g.forgotten <= ? then '-infinity' else g.next_guess end,
            forgotten = excluded.forgotten
        """,
        [key, clock.GetUtcNow() + options.Value.Memory, clock.GetUtcNow(), clock.GetUtcNow()]);

    /// <summary>Ends every wait of an account. Addresses that are known stay so.</summary>
    public static (string Sql, object[] Parameters) Unlock(string account) => (
        "update identity.password_guesses set failures = 0, next_guess = '-infinity' where key = ? or (key > ? and key < ?)",
        [account, FirstOf(account), LastOf(account)]);

    /// <summary>The key of an account from one address; begins with the account's, so that <see cref="Unlock"/> finds it.</summary>
    public static string FromHere(string account, string here) => $"{FirstOf(account)}{here}";

    /// <summary>How many guesses at an account are counted, from wherever they came.</summary>
    public async Task<long> FailuresOf(string account, CancellationToken ct)
    {
        await using var sum = database.Pooled.CreateCommand(
            "select coalesce(sum(failures), 0) from identity.password_guesses where (key = $1 or (key > $2 and key < $3)) and forgotten > $4");
        foreach (var key in (string[])[account, FirstOf(account), LastOf(account)])
            sum.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        sum.Parameters.Add(Time(clock.GetUtcNow()));
        return (long)(await sum.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Counts one guess: on which key, or, when there were too many, how long to wait.</summary>
    public async Task<GuessCount> Count(string account, string? fromHere, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var count = database.Pooled.CreateCommand(CountOne);
        AddKeys(count, account, fromHere, now);
        count.Parameters.Add(new NpgsqlParameter<TimeSpan[]> { TypedValue = options.Value.Waits, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval });
        count.Parameters.Add(Time(now + options.Value.Memory));
        // Counted even if the client has hung up by now: hanging up must not buy another guess.
        if (await count.ExecuteScalarAsync(CancellationToken.None) is string key)
            return new GuessCount(key, TimeSpan.Zero, IsFirstRefusal: false);

        await using var next = database.Pooled.CreateCommand(NextGuess);
        AddKeys(next, account, fromHere, now);
        await using var row = await next.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) && row.GetDateTime(0) is var at && at > now.UtcDateTime
            ? new GuessCount(null, at - now.UtcDateTime, row.GetBoolean(1))
            : new GuessCount(null, TimeSpan.Zero, IsFirstRefusal: false);
    }

    /// <summary>Removes what is forgotten, at most so many rows: a short transaction, so that no feed waits.</summary>
    public async Task<int> RemoveForgotten(int atMost, CancellationToken ct)
    {
        await using var sweep = database.Pooled.CreateCommand(Sweep);
        sweep.Parameters.Add(Time(clock.GetUtcNow()));
        sweep.Parameters.Add(new NpgsqlParameter<int> { TypedValue = atMost });
        return await sweep.ExecuteNonQueryAsync(ct);
    }

    private static string FirstOf(string account) => $"{account}/";

    // The character after the slash.
    private static string LastOf(string account) => $"{account}0";

    private static void AddKeys(PooledCommand command, string account, string? fromHere, DateTimeOffset now)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fromHere ?? account });
        command.Parameters.Add(Time(now));
    }

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset at) => new() { TypedValue = at.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}

/// <summary>What came of counting a guess.</summary>
/// <param name="Key">What it was counted on; null: it may not be made.</param>
/// <param name="Wait">How long until the next one.</param>
/// <param name="IsFirstRefusal">No other guess was refused since this wait began.</param>
internal sealed record GuessCount(string? Key, TimeSpan Wait, bool IsFirstRefusal);
