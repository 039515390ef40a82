using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>Makes rows of <c>audit.search</c> again from the entries, as they are now that a key is shredded.</summary>
internal sealed class SearchForgetting(StoreDatabase database, SubjectKeys keys, CanonicalEvents events)
{
    private const int PageEntries = 500;

    // Page by page, each its own commit: somebody who signed in for years has many entries. Doing it twice does no harm.
    public async Task Forget(string subject, CancellationToken ct)
    {
        keys.Forget(subject);
        for (var after = -1L; await Page(subject, after, ct) is { Count: > 0 } rows; after = rows[^1].Position)
            await Rewrite(rows, ct);
    }

    /// <summary>The same of everybody who was erased since: for a table that was made meanwhile.</summary>
    public async Task ForgetSince(DateTimeOffset time, CancellationToken ct)
    {
        foreach (var subject in await ErasedSince(time, ct))
            await Forget(subject, ct);
    }

    private async Task<List<string>> ErasedSince(DateTimeOffset time, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
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

    private async Task<IReadOnlyList<SearchRow>> Page(string subject, long after, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand($"""
            select e.position, e.canonical from audit.entries e
            where e.position in (
                select position from audit.search where subject = $1 and position > $2
                union select position from audit.search where actor = $1 and position > $2
                order by position limit {PageEntries})
            order by e.position
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = subject });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        return await SearchRow.Read(command, events, ct);
    }

    private async Task Rewrite(IReadOnlyList<SearchRow> rows, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            update audit.search s set ip = r.ip::inet, user_agent = r.user_agent, words = r.words
            from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as r (position, ip, user_agent, words)
            where s.position = r.position and (s.ip, s.user_agent, s.words) is distinct from (r.ip::inet, r.user_agent, r.words)
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(row => row.Position).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        foreach (var column in (Func<SearchRow, string?>[])[row => row.Ip, row => row.UserAgent, row => row.Words])
            command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(column).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync(ct);
    }
}
