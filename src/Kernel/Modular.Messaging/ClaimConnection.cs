using Modular.Store;
using Npgsql;

namespace Modular.Messaging;

/// <summary>What one look at the table brought.</summary>
/// <param name="Claimed">This node's now.</param>
/// <param name="NextDue">When the next of the messages that wait for a time is due.</param>
/// <param name="More">There are groups that were not looked at yet.</param>
/// <param name="Held">A group waits for an older transaction to end: look again soon, nobody will tell.</param>
internal sealed record ClaimResult(IReadOnlyList<Envelope> Claimed, DateTimeOffset? NextDue, bool More, bool Held);

/// <summary>
/// Claims messages, in transactions of its own that are over before a handler runs. On one direct connection, so that
/// statements stay prepared and the planner can be told to use the indexes: a plan made while the table was empty
/// would read all of it once a backlog is there.
/// </summary>
internal sealed class ClaimConnection : IAsyncDisposable
{
    /// <summary>How many groups of a queue one look goes through.</summary>
    public const int GroupsPerWalk = 100;

    private const string Table = $"{MessagingSchema.Name}.incoming_envelopes";

    internal const string Settings =
        "set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off; set enable_mergejoin = off";

    // The first row of each group, by one index probe per group. Only the first may be claimed, and only below the
    // oldest transaction that is still open, which might yet commit an earlier one (DESIGN §4). Once below, a first row
    // stays first until it is finished: so nothing needs to be locked here.
    internal const string WalkSql = $"""
        select q.name, h.group_id, h.id, h.execution_time, h.free, h.below, h.message_type
        from unnest($1, $2) as q(name, after) cross join lateral (
            with recursive walk as (
                (select {Head}, 1 as step from {Table}
                    where queue = q.name and group_id is not null and group_id > q.after
                    order by group_id, epoch, xact, ordinal limit 1)
                union all
                select n.* from walk w cross join lateral (
                    select {Head}, w.step + 1 from {Table}
                    where queue = q.name and group_id is not null and group_id > w.group_id
                    order by group_id, epoch, xact, ordinal limit 1) n
                where w.step < $4)
            select * from walk order by step) h
        """;

    internal const string NextDueSql = $"""
        select min(due.execution_time) from unnest($1) as q(name) cross join lateral (
            select execution_time from {Table}
            where queue = q.name and group_id is null and execution_time > $2
            order by execution_time limit 1) due
        """;

    internal const string ClaimSql = $"""
        with picked as (
            select e.id, e.queue from unnest($4, $5, $6) as q(name, types, room) cross join lateral (
                select id, queue from {Table}
                where queue = q.name and group_id is null and execution_time <= $3
                    and (owner_until is null or owner_until < now())
                    and message_type = any(string_to_array(q.types, ' '))
                order by execution_time limit q.room for update skip locked) e)
        {Own} returning {Columns}
        """;

    internal const string ClaimHeadsSql = $"""
        with picked as (
            select e.id, e.queue from {Table} e join unnest($4, $5) as h(id, queue) on e.id = h.id and e.queue = h.queue
            where execution_time <= $3 and (owner_until is null or owner_until < now())
            for update of e skip locked)
        {Own} returning {Columns}
        """;

    private const string Head = """
        group_id, id, message_type, execution_time, owner_until is null or owner_until < now() as free,
        (epoch, xact) < ($3, pg_snapshot_xmin(pg_current_snapshot())) as below
        """;

    private const string Own = $"""
        update {Table} as e set owner = $1, owner_until = now() + $2, attempts = e.attempts + 1
        from picked where e.id = picked.id and e.queue = picked.queue
        """;

    private const string Columns = """
        e.id, e.queue, e.group_id, e.message_type, e.body, e.actor, e.session_id, e.organization_id, e.correlation_id,
        e.attempts, e.execution_time, e.deliver_by
        """;

    private readonly NpgsqlConnection _connection;
    private readonly LocalQueues _local;
    private readonly StoreDatabase _database;

    private ClaimConnection(NpgsqlConnection connection, LocalQueues local, StoreDatabase database)
    {
        _connection = connection;
        _local = local;
        _database = database;
    }

    public static async Task<ClaimConnection> Open(StoreDatabase database, LocalQueues local, CancellationToken ct)
    {
        var connection = await database.Direct.OpenConnectionAsync(ct);
        try
        {
            await using var settings = new NpgsqlCommand(Settings, connection);
            await settings.ExecuteNonQueryAsync(ct);
            return new ClaimConnection(connection, local, database);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    /// <summary>Claims for every queue with room, at most what fits in.</summary>
    public async Task<ClaimResult> Take(DateTimeOffset now, CancellationToken ct)
    {
        LocalQueue[] queues = [.. _local.All.Where(queue => queue.WantsMore)];
        if (queues.Length == 0)
            return new ClaimResult([], NextDue: null, More: false, Held: false);

        // Asked for once: while the statement runs, messages are finished and room grows.
        int[] rooms = [.. queues.Select(queue => queue.Room)];
        var claimed = new List<Envelope>();
        var heads = new List<GroupHead>();
        var due = await Look(queues, rooms, now, heads, claimed, ct);
        var picked = new List<GroupHead>();
        var more = false;
        for (var at = 0; at < queues.Length; at++)
        {
            var name = queues[at].Mapping.Name;
            var left = rooms[at] - claimed.Count(envelope => envelope.Queue == name);
            queues[at].Backlogged = left <= 0;
            more |= Pick(queues[at], [.. heads.Where(head => head.Queue == name)], left, now, picked);
        }

        if (picked.Count > 0)
            await TakeHeads(picked, now, claimed, ct);
        var waiting = heads.Where(head => head.ExecutionTime > now).Select(head => (DateTimeOffset?)head.ExecutionTime).Append(due);
        return new ClaimResult(
            [.. claimed.OrderBy(envelope => envelope.ExecutionTime)], waiting.Min(), more, heads.Any(head => !head.Below));
    }

    /// <summary>When the first claim of whichever node runs out; null: nothing is claimed.</summary>
    public async Task<DateTimeOffset?> FirstLapse(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"select min(owner_until) from {Table}", _connection);
        return await command.ExecuteScalarAsync(ct) is DateTime until ? until : null;
    }

    // One round trip: looks through groups, for the next time something is due, and claims what belongs to no group.
    private async Task<DateTimeOffset?> Look(
        LocalQueue[] queues, int[] rooms, DateTimeOffset now, List<GroupHead> heads, List<Envelope> claimed, CancellationToken ct)
    {
        await using var batch = Look(queues, rooms, now);
        await batch.PrepareAsync(ct);
        await using var rows = await batch.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            heads.Add(GroupHead.Read(rows));
        await rows.NextResultAsync(ct);
        await rows.ReadAsync(ct);
        DateTimeOffset? due = rows.IsDBNull(0) ? null : rows.GetFieldValue<DateTimeOffset>(0);
        await rows.NextResultAsync(ct);
        await ReadAll(rows, claimed, ct);
        return due;
    }

    // Of what may be claimed, as much as there is room for. True when the walk has to go on.
    private static bool Pick(
        LocalQueue queue, List<GroupHead> heads, int room, DateTimeOffset now, List<GroupHead> picked)
    {
        string? last = null;
        foreach (var head in heads)
        {
            if (head.Free && head.Below && head.ExecutionTime <= now && queue.Mapping.MessageTypes.Contains(head.MessageType))
            {
                if (room-- <= 0)
                    return queue.Groups.Saw(last, end: false, full: true);
                picked.Add(head);
            }

            last = head.Group;
        }

        return queue.Groups.Saw(last, end: heads.Count < GroupsPerWalk, full: false);
    }

    private static async Task ReadAll(NpgsqlDataReader rows, List<Envelope> into, CancellationToken ct)
    {
        while (await rows.ReadAsync(ct))
        {
            into.Add(new Envelope(rows.GetGuid(0), rows.GetString(1), Text(2), rows.GetString(3), rows.GetFieldValue<byte[]>(4))
            {
                Actor = Text(5),
                SessionId = Text(6),
                OrganizationId = Text(7),
                CorrelationId = Text(8),
                Attempts = rows.GetInt32(9),
                ExecutionTime = rows.GetFieldValue<DateTimeOffset>(10),
                DeliverBy = rows.IsDBNull(11) ? null : rows.GetFieldValue<DateTimeOffset>(11),
            });
        }

        string? Text(int column) => rows.IsDBNull(column) ? null : rows.GetString(column);
    }

    // The walk comes first: once the batch has written, its own transaction would be the oldest one open.
    private NpgsqlBatch Look(LocalQueue[] queues, int[] rooms, DateTimeOffset now)
    {
        var names = queues.Select(queue => queue.Mapping.Name).ToArray();
        return new NpgsqlBatch(_connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(WalkSql)
                {
                    Parameters =
                    {
                        Of(names),
                        Of(queues.Select(queue => queue.Groups.After).ToArray()),
                        Of(_database.Epoch),
                        Of(GroupsPerWalk),
                    },
                },
                new NpgsqlBatchCommand(NextDueSql) { Parameters = { Of(names), Of(now.UtcDateTime) } },
                new NpgsqlBatchCommand(ClaimSql)
                {
                    Parameters =
                    {
                        Of(_local.Node),
                        Of(_local.Lease),
                        Of(now.UtcDateTime),
                        Of(names),
                        Of(queues.Select(queue => string.Join(' ', queue.Mapping.MessageTypes)).ToArray()),
                        Of(rooms),
                    },
                },
            },
        };
    }

    private async Task TakeHeads(List<GroupHead> heads, DateTimeOffset now, List<Envelope> into, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(ClaimHeadsSql, _connection)
        {
            Parameters =
            {
                Of(_local.Node),
                Of(_local.Lease),
                Of(now.UtcDateTime),
                Of(heads.Select(head => head.Id).ToArray()),
                Of(heads.Select(head => head.Queue).ToArray()),
            },
        };
        await command.PrepareAsync(ct);
        await using var rows = await command.ExecuteReaderAsync(ct);
        await ReadAll(rows, into, ct);
    }

    private static NpgsqlParameter<T> Of<T>(T value) => new() { TypedValue = value };

    /// <summary>The first message of a group.</summary>
    private sealed record GroupHead(
        string Queue, string Group, Guid Id, DateTimeOffset ExecutionTime, bool Free, bool Below, string MessageType)
    {
        public static GroupHead Read(NpgsqlDataReader row) => new(
            row.GetString(0), row.GetString(1), row.GetGuid(2), row.GetFieldValue<DateTimeOffset>(3), row.GetBoolean(4),
            row.GetBoolean(5), row.GetString(6));
    }
}
