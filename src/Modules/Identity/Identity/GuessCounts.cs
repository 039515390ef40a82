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

    private const string NextGuess =
        "select next_guess from identity.password_guesses where key = $1 or (key = $2 and forgotten > $3) order by key = $2 desc limit 1";

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

    /// <summary>Counts one guess: on which key, or, when there were too many, how long to wait.</summary>
    public async Task<(string? Key, TimeSpan Wait)> Count(string account, string? fromHere, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var count = database.Pooled.CreateCommand(CountOne);
        AddKeys(count, account, fromHere, now);
        count.Parameters.Add(new NpgsqlParameter<TimeSpan[]> { TypedValue = options.Value.Waits, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval });
        count.Parameters.Add(Time(now + options.Value.Memory));
        // Counted even if the client has hung up by now: hanging up must not buy another guess.
        if (await count.ExecuteScalarAsync(CancellationToken.None) is string key)
            return (key, TimeSpan.Zero);

        await using var next = database.Pooled.CreateCommand(NextGuess);
        AddKeys(next, account, fromHere, now);
        return (null, await next.ExecuteScalarAsync(ct) is DateTime at && at > now ? at - now.UtcDateTime : TimeSpan.Zero);
    }

    /// <summary>Removes what is forgotten, at most so many rows: a short transaction, so that no feed waits.</summary>
    public async Task<int> RemoveForgotten(int atMost, CancellationToken ct)
    {
        await using var sweep = database.Pooled.CreateCommand(Sweep);
        sweep.Parameters.Add(Time(clock.GetUtcNow()));
        sweep.Parameters.Add(new NpgsqlParameter<int> { TypedValue = atMost });
        return await sweep.ExecuteNonQueryAsync(ct);
    }

    private static void AddKeys(NpgsqlCommand command, string account, string? fromHere, DateTimeOffset now)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fromHere ?? account });
        command.Parameters.Add(Time(now));
    }

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset at) => new() { TypedValue = at.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
