using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Messaging;

/// <summary>A message that was given up in one queue, and why.</summary>
/// <param name="Id">The message's id: the same in each queue it died in.</param>
/// <param name="Body">The message as JSON.</param>
public sealed record DeadLetter(
    Guid Id, string Queue, string MessageType, string? GroupId, string Body, DateTimeOffset SentAt, DateTimeOffset DiedAt,
    int Attempts, string ExceptionType, string ExceptionMessage, string? Actor, string? CorrelationId);

/// <summary>Messages that were given up: to be read, tried again or thrown away.</summary>
public sealed class DeadLetters
{
    /// <summary>How many are moved in one transaction: none lasts long (DESIGN §4).</summary>
    private const int Chunk = 500;

    private const string Table = $"{MessagingSchema.Name}.dead_letters";

    private const string Columns = """
        id, queue, message_type, group_id, body::text, sent_at, died_at, attempts, exception_type, exception_message,
        actor, correlation_id
        """;

    private readonly StoreDatabase _database;
    private readonly FeedSignal _feed;
    private readonly LocalQueues _local;
    private readonly TimeProvider _clock;

    internal DeadLetters(StoreDatabase database, FeedSignal feed, LocalQueues local, TimeProvider clock)
    {
        _database = database;
        _feed = feed;
        _local = local;
        _clock = clock;
    }

    /// <summary>The dead letters of all queues or one, newest first.</summary>
    /// <param name="before">The last one of the page before.</param>
    public Task<IReadOnlyList<DeadLetter>> List(
        string? queue = null, int limit = 100, DeadLetter? before = null, CancellationToken ct = default) => Read(
        $"""
        select {Columns} from {Table}
        where ($1 is null or queue = $1) and ($2 is null or (died_at, id, queue) < ($2, $3, $4))
        order by died_at desc, id desc, queue desc limit $5
        """,
        ct, Text(queue), new NpgsqlParameter<DateTime?> { TypedValue = before?.DiedAt.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
        new NpgsqlParameter<Guid?> { TypedValue = before?.Id, NpgsqlDbType = NpgsqlDbType.Uuid }, Text(before?.Queue), new NpgsqlParameter<int> { TypedValue = limit });

    /// <summary>What became of a message: one entry for each queue it died in.</summary>
    public Task<IReadOnlyList<DeadLetter>> Find(Guid id, CancellationToken ct = default) => Read(
        $"select {Columns} from {Table} where id = $1 order by queue", ct, new NpgsqlParameter<Guid> { TypedValue = id });

    /// <summary>
    /// Sends a dead message again, to the queue it died in (null: each of them), with all its attempts. In its group it
    /// comes last. Returns how many were sent.
    /// </summary>
    public Task<int> Replay(Guid id, string? queue = null, CancellationToken ct = default) =>
        Move("id = $1 and ($2 is null or queue = $2)", ct, new NpgsqlParameter<Guid> { TypedValue = id }, Text(queue));

    /// <summary>Sends all dead messages again, or those of one queue, the oldest first. Returns how many were sent.</summary>
    public async Task<int> ReplayAll(string? queue = null, CancellationToken ct = default)
    {
        // What dies again meanwhile stays dead.
        var until = new NpgsqlParameter<DateTime> { TypedValue = _clock.GetUtcNow().UtcDateTime };
        var all = 0;
        while (await Move("died_at <= $1 and ($2 is null or queue = $2)", ct, until.Clone(), Text(queue)) is var moved and > 0)
            all += moved;
        return all;
    }

    /// <summary>Throws a dead message away, in one queue or (null) in each. Returns how many there were.</summary>
    public async Task<int> Delete(Guid id, string? queue = null, CancellationToken ct = default)
    {
        await using var command = Command(
            $"delete from {Table} where id = $1 and ($2 is null or queue = $2)", new NpgsqlParameter<Guid> { TypedValue = id }, Text(queue));
        return await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Those that an operator marked in SQL: <c>update messaging.dead_letters set replayable = true where …</c>.</summary>
    internal async Task ReplayMarked(CancellationToken ct)
    {
        while (await Move("replayable", ct) == Chunk)
            ct.ThrowIfCancellationRequested();
    }

    private async Task<int> Move(string which, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        var next = parameters.Length + 1;
        await using var command = Command($"""
            with chosen as (select id, queue from {Table} where {which} order by died_at, id, queue limit {Chunk} for update skip locked),
            moved as (delete from {Table} d using chosen c where d.id = c.id and d.queue = c.queue returning d.*)
            insert into {MessagingSchema.Name}.incoming_envelopes (epoch, ordinal, id, queue, group_id, message_type, body, actor,
                session_id, organization_id, correlation_id, causation_id, sent_at, execution_time, attempts)
            select ${next}, row_number() over (order by died_at, id, queue), id, queue, group_id, message_type, body, actor,
                session_id, organization_id, correlation_id, causation_id, sent_at, ${next + 1}, 0 from moved
            """,
            [.. parameters, new NpgsqlParameter<int> { TypedValue = _database.Epoch }, new NpgsqlParameter<DateTime> { TypedValue = _clock.GetUtcNow().UtcDateTime }]);
        var moved = await command.ExecuteNonQueryAsync(ct);
        if (moved == 0)
            return 0;
        _local.Wake();
        _feed.Committed();
        return moved;
    }

    private async Task<IReadOnlyList<DeadLetter>> Read(string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = Command(sql, parameters);
        await using var row = await command.ExecuteReaderAsync(ct);
        var letters = new List<DeadLetter>();
        while (await row.ReadAsync(ct))
        {
            letters.Add(new DeadLetter(
                row.GetGuid(0), row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetString(4),
                row.GetFieldValue<DateTimeOffset>(5), row.GetFieldValue<DateTimeOffset>(6), row.GetInt32(7), row.GetString(8),
                row.GetString(9), row.IsDBNull(10) ? null : row.GetString(10), row.IsDBNull(11) ? null : row.GetString(11)));
        }

        return letters;
    }

    private PooledCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = _database.Pooled.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        return command;
    }

    private static NpgsqlParameter<string?> Text(string? value) =>
        new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };
}
