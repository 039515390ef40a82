using Modular.Identity.Contracts;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Identity;

/// <summary>How far each import has got, and what it could not take; written in the transaction of what it took.</summary>
internal sealed class ImportLedger(IDocumentSession store, StoreDatabase database, TimeProvider clock)
{
    private const int MostProblems = 10_000;

    public const string Tables = """
        create table {schema}.imports (
            run text collate "C" primary key,
            after text,
            is_done boolean not null,
            users bigint not null,
            accounts bigint not null,
            sessions bigint not null,
            known bigint not null,
            ended_sessions bigint not null,
            updated_at timestamptz not null);
        create table {schema}.import_problems (
            run text collate "C" not null,
            user_id text not null,
            what text not null,
            reason text not null,
            primary key (run, user_id, what, reason));
        """;

    // A run that is done begins again from the first user, with counts of its own.
    private const string Move = """
        insert into identity.imports as i (run, after, is_done, users, accounts, sessions, known, ended_sessions, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
        on conflict (run) do update set after = coalesce(excluded.after, case when not i.is_done then i.after end), is_done = excluded.is_done,
            users = excluded.users + case when i.is_done then 0 else i.users end, accounts = excluded.accounts + case when i.is_done then 0 else i.accounts end,
            sessions = excluded.sessions + case when i.is_done then 0 else i.sessions end, known = excluded.known + case when i.is_done then 0 else i.known end,
            ended_sessions = excluded.ended_sessions + case when i.is_done then 0 else i.ended_sessions end, updated_at = excluded.updated_at
        where (case when not i.is_done then i.after end) is not distinct from ?
        """;

    public async Task<ImportProgress?> Find(string run, CancellationToken ct)
    {
        if (await Row(run, ct) is not var (after, isDone, counts))
            return null;
        return new(after, isDone, new(counts[0], counts[1], counts[2], counts[3], counts[4], await Problems(run, ct)));
    }

    private async Task<(string? After, bool IsDone, long[] Counts)?> Row(string run, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            "select after, is_done, users, accounts, sessions, known, ended_sessions from identity.imports where run = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = run });
        await using var rows = await command.ExecuteReaderAsync(ct);
        return await rows.ReadAsync(ct)
            ? (await rows.IsDBNullAsync(0, ct) ? null : rows.GetString(0), rows.GetBoolean(1), Enumerable.Range(2, 5).Select(rows.GetInt64).ToArray())
            : null;
    }

    /// <summary>
    /// Stages that a run has come as far as this. Of two at once over the same users one fails with a
    /// <see cref="ConcurrencyException"/>.
    /// </summary>
    public void Advance(Contracts.ImportUsers chunk, ImportedUsers done)
    {
        if (chunk.After is null)
            store.QueueSqlCommand("delete from identity.import_problems where run = ?", chunk.Run);
        store.QueueSqlCommand(
            1, Move, chunk.Run, chunk.Users.Count == 0 ? null : chunk.Users[^1].Id, chunk.IsLast, done.Users, done.Accounts, done.Sessions, done.Known, done.EndedSessions,
            clock.GetUtcNow(), chunk.After);
        foreach (var problem in done.Problems.Distinct())
        {
            store.QueueSqlCommand(
                "insert into identity.import_problems (run, user_id, what, reason) values (?, ?, ?, ?) on conflict do nothing",
                chunk.Run, problem.UserId, problem.What, problem.Reason);
        }
    }

    /// <summary>Where users came from whose ids are taken: the reason of their registration; empty: they registered here.</summary>
    public async Task<IReadOnlyDictionary<string, string>> Origins(string[] ids, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            select s.id, coalesce((select e.data ->> 'reason' from identity.mt_events e where e.stream_id = s.id and e.version = 1), '')
            from identity.mt_streams s where s.id = any ($1)
            """);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
        return await Read(command, ct);
    }

    /// <summary>Those whom Clerk has told us were deleted there.</summary>
    public async Task<IReadOnlyDictionary<string, string>> DeletedAtClerk(string[] ids, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select id, '' from identity.clerk_users where id = any ($1) and is_deleted");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
        return await Read(command, ct);
    }

    /// <summary>Stages that somebody is known in this version of Clerk's; one whose end we hear of meanwhile is not taken.</summary>
    public void KnowAtClerk(string id, long version) => store.QueueSqlCommand(
        1,
        """
        insert into identity.clerk_users as u (id, updated_at, sent_at, is_deleted, revision) values (?, ?, 0, false, 1)
        on conflict (id) do update set revision = u.revision + 1 where not u.is_deleted
        """,
        id, version);

    private static async Task<IReadOnlyDictionary<string, string>> Read(PooledCommand command, CancellationToken ct)
    {
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            read[rows.GetString(0)] = rows.GetString(1);
        return read;
    }

    private async Task<IReadOnlyList<ImportProblem>> Problems(string run, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            $"select user_id, what, reason from identity.import_problems where run = $1 order by user_id, what, reason limit {MostProblems}");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = run, NpgsqlDbType = NpgsqlDbType.Text });
        var problems = new List<ImportProblem>();
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            problems.Add(new(rows.GetString(0), rows.GetString(1), rows.GetString(2)));
        return problems;
    }
}
