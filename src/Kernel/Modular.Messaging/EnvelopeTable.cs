using Modular.Store;
using Npgsql;

namespace Modular.Messaging;

/// <summary>How many messages of a kind wait in a queue.</summary>
internal sealed record Depth(string Queue, string MessageType, long Count, DateTimeOffset OldestSent);

/// <summary>
/// What becomes of envelopes outside the handlers' transactions. Every statement about one envelope asks that it is still
/// this node's, from this attempt; when it is not, somebody else has it or it is finished, and there is nothing to do.
/// </summary>
internal sealed class EnvelopeTable(StoreDatabase database, LocalQueues local)
{
    private const string Table = $"{MessagingSchema.Name}.incoming_envelopes";

    private const string Mine = "id = $1 and queue = $2 and owner = $3 and attempts = $4";

    private const string Longest = "left($6, 4000)";

    /// <summary>Tries again at a time.</summary>
    public Task<bool> Retry(Envelope envelope, DateTimeOffset at, string error) => Execute(
        $"update {Table} set owner = null, owner_until = null, execution_time = $5, last_error = {Longest} where {Mine}",
        [.. Identify(envelope), Of(at.UtcDateTime), Of(error)]);

    /// <summary>Gives it up: it becomes a dead letter.</summary>
    public Task<bool> Bury(Envelope envelope, DateTimeOffset at, string exceptionType, string message) => Execute($"""
        with dead as (delete from {Table} where {Mine} returning *)
        insert into {MessagingSchema.Name}.dead_letters (id, queue, group_id, message_type, body, actor, session_id, organization_id,
            correlation_id, causation_id, sent_at, died_at, attempts, exception_type, exception_message)
        select id, queue, group_id, message_type, body, actor, session_id, organization_id,
            correlation_id, causation_id, sent_at, $5, attempts, $7, {Longest} from dead
        """, [.. Identify(envelope), Of(at.UtcDateTime), Of(message), Of(exceptionType)]);

    /// <summary>Drops what may not be delivered any more.</summary>
    public Task<bool> Expire(Envelope envelope) => Execute($"delete from {Table} where {Mine}", [.. Identify(envelope)]);

    /// <summary>Gives back what was claimed and not begun: that was no attempt.</summary>
    public async Task Release(IReadOnlyCollection<Envelope> envelopes)
    {
        if (envelopes.Count == 0)
            return;
        await Execute($"""
            update {Table} as e set owner = null, owner_until = null, attempts = e.attempts - 1
            from unnest($1, $2, $3) as mine(id, queue, attempts)
            where e.id = mine.id and e.queue = mine.queue and e.attempts = mine.attempts and e.owner = $4
            """,
            Of(envelopes.Select(envelope => envelope.Id).ToArray()),
            Of(envelopes.Select(envelope => envelope.Queue).ToArray()),
            Of(envelopes.Select(envelope => envelope.Attempts).ToArray()),
            Of(local.Node));
    }

    /// <summary>Extends the lease of what takes longer. Returns what is still this node's.</summary>
    public async Task<HashSet<(Guid Id, string Queue)>> Renew(IReadOnlyCollection<Envelope> envelopes, CancellationToken ct)
    {
        await using var command = Command($"""
            update {Table} as e set owner_until = now() + $5 from unnest($1, $2, $3) as mine(id, queue, attempts)
            where e.id = mine.id and e.queue = mine.queue and e.attempts = mine.attempts and e.owner = $4
            returning e.id, e.queue
            """,
            Of(envelopes.Select(envelope => envelope.Id).ToArray()),
            Of(envelopes.Select(envelope => envelope.Queue).ToArray()),
            Of(envelopes.Select(envelope => envelope.Attempts).ToArray()),
            Of(local.Node),
            Of(local.Lease));
        await using var rows = await command.ExecuteReaderAsync(ct);
        var renewed = new HashSet<(Guid, string)>();
        while (await rows.ReadAsync(ct))
            renewed.Add((rows.GetGuid(0), rows.GetString(1)));
        return renewed;
    }

    /// <summary>
    /// Rows of another cluster have transaction ids that this one has not reached: they are older than anything written
    /// here, so they belong to the epoch before, or their groups would wait until the counter has caught up.
    /// </summary>
    public Task AdoptRestored(CancellationToken ct) => Execute(
        $"update {Table} set epoch = epoch - 1 where epoch = $1 and xact >= pg_snapshot_xmax(pg_current_snapshot())",
        [Of(database.Epoch)], ct);

    /// <summary>Everything that waits, counted.</summary>
    public async Task<IReadOnlyList<Depth>> Depths(CancellationToken ct)
    {
        await using var command = Command($"select queue, message_type, count(*), min(sent_at) from {Table} group by 1, 2 order by 1, 2");
        await using var rows = await command.ExecuteReaderAsync(ct);
        var depths = new List<Depth>();
        while (await rows.ReadAsync(ct))
            depths.Add(new Depth(rows.GetString(0), rows.GetString(1), rows.GetInt64(2), rows.GetFieldValue<DateTimeOffset>(3)));
        return depths;
    }

    /// <summary>
    /// Something that is due and not finished, in words; null when there is nothing. What no code knows is not waited for,
    /// nor what stands in its group behind a message that is not due. What was sent without a delay is due whatever the
    /// clock says: a handler may have sent it after <paramref name="now"/> and before the rows were read.
    /// </summary>
    public async Task<string?> Unfinished(IEnumerable<QueueMapping> queues, DateTimeOffset now, CancellationToken ct)
    {
        var known = queues.SelectMany(queue => queue.MessageTypes.Select(type => $"{queue.Name} {type}")).ToArray();
        await using var command = Command($"""
            select format('%s in %s (attempt %s%s)', e.message_type, e.queue, e.attempts, ': ' || e.last_error) from {Table} e
            where e.queue || ' ' || e.message_type = any($1) and e.execution_time <= greatest($2, e.sent_at)
                and (e.group_id is null or not exists (select from {Table} b
                    where b.queue = e.queue and b.group_id = e.group_id
                        and (b.epoch, b.xact, b.ordinal) < (e.epoch, e.xact, e.ordinal)
                        and (b.execution_time > $2 or b.queue || ' ' || b.message_type <> all($1))))
            limit 1
            """, Of(known), Of(now.UtcDateTime));
        return (string?)await command.ExecuteScalarAsync(ct);
    }

    private static NpgsqlParameter<T> Of<T>(T value) => new() { TypedValue = value };

    private NpgsqlParameter[] Identify(Envelope envelope) =>
        [Of(envelope.Id), Of(envelope.Queue), Of(local.Node), Of(envelope.Attempts)];

    private PooledCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = database.Pooled.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        return command;
    }

    private Task<bool> Execute(string sql, params NpgsqlParameter[] parameters) => Execute(sql, parameters, CancellationToken.None);

    private async Task<bool> Execute(string sql, NpgsqlParameter[] parameters, CancellationToken ct)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(ct) > 0;
    }
}
