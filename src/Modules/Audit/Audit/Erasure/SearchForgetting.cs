using System.Globalization;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>Makes rows of <c>audit.search</c> again from the entries, as they are now that a key is shredded.</summary>
internal sealed class SearchForgetting(StoreDatabase database, SubjectKeys keys, CanonicalEvents events)
{
    private const int PageEntries = 500;

    /// <summary>Of one who is erased.</summary>
    public Task Forget(string subject, CancellationToken ct) => Forget(new Table(SearchRebuild.Name, database.Pooled.CreateCommand), subject, ct);

    /// <summary>Of everybody who was erased since, in a table that was made meanwhile, by the connection that makes it.</summary>
    public async Task ForgetSince(NpgsqlConnection connection, string table, DateTimeOffset time, CancellationToken ct)
    {
        var made = new Table(table, sql => new PooledCommand(connection, sql));
        foreach (var subject in await ErasedSince(made, time, ct))
            await Forget(made, subject, ct);
    }

    // Page by page, each its own commit: somebody who signed in for years has many entries. Doing it twice does no harm.
    private async Task Forget(Table table, string subject, CancellationToken ct)
    {
        keys.Forget(subject);
        if (MonthOf(subject) is { } month)
        {
            await ForgetNobodyIn(table, month, ct);
            return;
        }

        for (var after = -1L; await Page(table, subject, after, ct) is { Count: > 0 } rows; after = rows[^1].Position)
            await Rewrite(table, rows, ct);
    }

    // What is about nobody has the key of its month (EventWriter), and no row says so: its rows are those without a subject.
    private async Task ForgetNobodyIn(Table table, DateTime month, CancellationToken ct)
    {
        var (time, position) = (month, -1L);
        while (await NobodysPage(table, time, month.AddMonths(1), position, ct) is { Count: > 0 } rows)
        {
            await Rewrite(table, rows, ct);
            (time, position) = rows.Select(row => (row.Time.UtcDateTime, row.Position)).Max();
        }
    }

    /// <summary>The first day of the month whose key this is; null: it is somebody's.</summary>
    private static DateTime? MonthOf(string subject) => DateTime.TryParseExact(
        subject, "'anonymous:'yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var month) ? month : null;

    private static async Task<List<string>> ErasedSince(Table table, DateTimeOffset time, CancellationToken ct)
    {
        await using var command = table.Command("""
            select data ->> 'subjectId' from audit.mt_events where type = 'subject.erased.1' and timestamp >= $1
            union select jsonb_array_elements_text(data -> 'also') from audit.mt_events where type = 'subject.erased.1' and timestamp >= $1
            """);
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        var subjects = new List<string>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
            subjects.Add(row.GetString(0));
        return subjects;
    }

    private async Task<IReadOnlyList<SearchRow>> Page(Table table, string subject, long after, CancellationToken ct)
    {
        await using var command = table.Command($"""
            select e.position, e.canonical from audit.entries e
            where e.position in (
                select position from {table.Name} where subject = $1 and position > $2
                union select position from {table.Name} where actor = $1 and position > $2
                order by position limit {PageEntries})
            order by e.position
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = subject });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        return await SearchRow.Read(command, events, ct);
    }

    private async Task<IReadOnlyList<SearchRow>> NobodysPage(Table table, DateTime time, DateTime end, long after, CancellationToken ct)
    {
        await using var command = table.Command($"""
            select e.position, e.canonical
            from (
                select position from {table.Name}
                where subject is null and (time, position) > ($1, $2) and time < $3
                order by time, position limit {PageEntries}) s
            join audit.entries e using (position)
            """);
        foreach (var value in (DateTime[])[time, end])
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Insert(1, new NpgsqlParameter<long> { TypedValue = after });
        return await SearchRow.Read(command, events, ct);
    }

    private static async Task Rewrite(Table table, IReadOnlyList<SearchRow> rows, CancellationToken ct)
    {
        await using var command = table.Command($"""
            update {table.Name} s set ip = r.ip::inet, user_agent = r.user_agent, words = r.words
            from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as r (position, ip, user_agent, words)
            where s.position = r.position and (s.ip, s.user_agent, s.words) is distinct from (r.ip::inet, r.user_agent, r.words)
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(row => row.Position).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        foreach (var column in (Func<SearchRow, string?>[])[row => row.Ip, row => row.UserAgent, row => row.Words])
            command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(column).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The live table, or one that is being made.</summary>
    private sealed record Table(string Name, Func<string, PooledCommand> Command);
}
