using System.Collections.Concurrent;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Store;

/// <summary>What a unit of work appends to one stream.</summary>
public sealed class StreamAction
{
    private readonly List<StoredEvent> _events = [];

    internal StreamAction(string schema, string key)
    {
        Schema = schema;
        Key = key;
    }

    /// <summary>The module's schema.</summary>
    public string Schema { get; }

    /// <summary>The stream's key.</summary>
    public string Key { get; }

    /// <summary>The events, in order.</summary>
    public IReadOnlyList<IEvent> Events => _events;

    /// <summary>The version with these events; 0 while it is unknown.</summary>
    public long Version { get; internal set; }

    internal string? AggregateType { get; set; }

    /// <summary>The version the stream has to be at; null appends after whatever is there.</summary>
    internal long? ExpectedVersion { get; set; }

    internal bool Starts { get; set; }

    /// <summary>Nobody expected a version; the commit read one because a snapshot rests on it.</summary>
    internal bool ReadByCommit { get; set; }

    // One per aggregate that somebody asked for or that a projection rests on.
    private readonly Dictionary<Type, FoldedState> _states = [];

    internal IReadOnlyList<StoredEvent> Stored => _events;

    internal void Add(StoredEvent e)
    {
        _events.Add(e);
        if (ExpectedVersion is { } expected)
            Version = e.Version = expected + _events.Count;
        foreach (var state in _states.Values)
            state.Apply(e);
    }

    /// <summary>Fixes the version once it is known, and with it those of the events.</summary>
    /// <exception cref="EventStreamUnexpectedMaxEventIdException">Another one was expected.</exception>
    internal void Expect(long version)
    {
        if (ExpectedVersion is { } expected && expected != version)
            throw new EventStreamUnexpectedMaxEventIdException(Key, expected);
        ExpectedVersion = version;
        for (var at = 0; at < _events.Count; at++)
            _events[at].Version = version + at + 1;
        Version = version + _events.Count;
    }

    /// <summary>Starts from what the database holds of an aggregate; events that are staged already follow.</summary>
    internal void Load(IAggregator aggregator, long version, object? state)
    {
        Expect(version);
        Starts = version == 0;
        AggregateType ??= Names.Snake(aggregator.AggregateType.Name);
        _states[aggregator.AggregateType] = new FoldedState(aggregator, state, _events);
    }

    /// <summary>Whether the state of that aggregate is known.</summary>
    internal bool Knows(Type aggregate) => _states.ContainsKey(aggregate);

    /// <summary>The state with these events; null when it is unknown, has not begun or has ended.</summary>
    internal object? StateOf(Type aggregate) => _states.GetValueOrDefault(aggregate)?.Now;

    /// <summary>Forgets what the commit read itself, so that it reads again.</summary>
    internal void Reopen()
    {
        if (!ReadByCommit)
            return;
        (ReadByCommit, Starts, ExpectedVersion, Version) = (false, false, null, 0);
        _states.Clear();
        foreach (var e in _events)
            e.Version = 0;
    }

    /// <summary>Folds again once versions and metadata are final; a rebuild will see the same.</summary>
    internal void Refold()
    {
        foreach (var state in _states.Values)
            state.Refold(_events);
    }
}

/// <summary>The state of one aggregate with what a unit of work appends.</summary>
internal sealed class FoldedState
{
    private readonly IAggregator _aggregator;

    // The state before the events, as JSON, where their application reads what only the commit knows.
    private readonly byte[]? _before;

    public FoldedState(IAggregator aggregator, object? before, IEnumerable<IEvent> events)
    {
        _aggregator = aggregator;
        _before = before is not null && aggregator.ReadsEnvelope
            ? JsonSerializer.SerializeToUtf8Bytes(before, aggregator.AggregateType, StoreJson.Options)
            : null;
        Now = before;
        foreach (var e in events)
            Apply(e);
    }

    public object? Now { get; private set; }

    public void Apply(IEvent e) => Now = _aggregator.Apply(Now, e);

    public void Refold(IEnumerable<IEvent> events)
    {
        if (!_aggregator.ReadsEnvelope)
            return;
        Now = _before is null ? null : JsonSerializer.Deserialize(_before, _aggregator.AggregateType, StoreJson.Options);
        foreach (var e in events)
            Apply(e);
    }
}

/// <summary>
/// The statements that append. A stream's row carries epoch and id of the last transaction that appended, and an append
/// whose transaction is older is refused: versions never appear reversed in the feed (DESIGN §4).
/// </summary>
internal sealed class AppendOperation(
    StreamAction stream, IReadOnlyList<(byte[] Data, byte[] Canonical)> written, int epoch) : IBulkOperation
{
    private static readonly string[] StreamTypes = ["text", "text", "bigint", "integer", "xid8", "timestamptz", "timestamptz"];
    private static readonly string[] EventTypes = ["uuid", "text", "bigint", "text", "timestamptz", "jsonb", "bytea", "integer"];

    public void Write(StoreBatch batch)
    {
        var last = stream.Stored[^1].Timestamp;
        var sql = AppendSql.Of(stream.Schema);
        if (stream.Starts)
        {
            batch.Sql(sql.StartStream)
                .With(stream.Key).With(stream.AggregateType).With(stream.Version).With(epoch).With(last);
        }
        else if (stream.ExpectedVersion is { } expected)
        {
            batch.Sql(sql.MoveStream)
                .With(stream.Key).With(stream.Version).With(epoch).With(last).With(expected);
        }
        else
        {
            batch.Sql(sql.ContinueStream)
                .With(stream.Key).With(stream.AggregateType).With((long)stream.Stored.Count).With(epoch).With(last);
        }

        for (var at = 0; at < stream.Stored.Count; at++)
            WriteEvent(batch, at);
    }

    public void AddTo(BulkRows rows)
    {
        var last = stream.Stored[^1].Timestamp.UtcDateTime;
        rows.Add(
            $"{stream.Schema}.mt_streams (id, type, version, last_epoch, last_xact, timestamp, created)", StreamTypes,
            stream.Key, stream.AggregateType, stream.Version, epoch, BulkRows.Transaction, last, last);
        for (var at = 0; at < written.Count; at++)
        {
            var e = stream.Stored[at];
            rows.Add(
                $"{stream.Schema}.mt_events (id, stream_id, version, type, timestamp, data, canonical, epoch)", EventTypes,
                e.Id, stream.Key, e.Version, e.EventTypeName, e.Timestamp.UtcDateTime, written[at].Data, written[at].Canonical, epoch);
        }
    }

    public Exception? Explain(PostgresException failure) => failure switch
    {
        { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "mt_streams_pkey" } =>
            new ExistingStreamIdCollisionException(stream.Key, failure) { ExpectedByCommit = stream.ReadByCommit },
        { SqlState: PostgresErrorCodes.UniqueViolation } or { SqlState: PostgresErrorCodes.NotNullViolation, ColumnName: "version" } =>
            new EventStreamUnexpectedMaxEventIdException(stream.Key, stream.ExpectedVersion, failure) { ExpectedByCommit = stream.ReadByCommit },
        { SqlState: StoreBatch.TransactionTooOld } => new TransactionTooOldException(stream.Key, failure),
        _ => null,
    };

    private void WriteEvent(StoreBatch batch, int at)
    {
        var e = stream.Stored[at];
        var sql = AppendSql.Of(stream.Schema);
        batch.Sql(stream.Starts ? sql.FirstEvent : stream.ExpectedVersion is not null ? sql.ExpectedEvent : sql.NextEvent);
        batch.With(e.Id).With(stream.Key)
            .With(stream.Starts || stream.ExpectedVersion is not null ? e.Version : stream.Stored.Count - 1 - at)
            .With(e.EventTypeName).With(e.Timestamp)
            .WithJson(written[at].Data).With(written[at].Canonical, NpgsqlDbType.Bytea).With(epoch);
        if (!stream.Starts && stream.ExpectedVersion is { } expected)
            batch.With(stream.Version).With(expected);
    }
}

/// <summary>The statements that append to a module's streams, made once.</summary>
internal sealed class AppendSql
{
    private static readonly ConcurrentDictionary<string, AppendSql> Known = new();

    private AppendSql(string schema)
    {
        var streams = $"{schema}.mt_streams";
        var into = $"insert into {schema}.mt_events (id, stream_id, version, type, timestamp, data, canonical, epoch) ";
        StartStream = $"insert into {streams} (id, type, version, last_epoch, last_xact, timestamp, created) values ($1, $2, $3, $4, pg_current_xact_id(), $5, $5)";
        MoveStream = $"update {streams} set version = $2, last_epoch = $3, last_xact = pg_current_xact_id(), timestamp = $4 where id = $1 and version = $5 and (last_epoch, last_xact) <= ($3, pg_current_xact_id())";
        ContinueStream = $"insert into {streams} as s (id, type, version, last_epoch, last_xact, timestamp, created) values ($1, $2, $3, $4, pg_current_xact_id(), $5, $5) "
            + "on conflict (id) do update set version = s.version + $3, last_epoch = $4, last_xact = pg_current_xact_id(), timestamp = $5 where (s.last_epoch, s.last_xact) <= ($4, pg_current_xact_id())";
        FirstEvent = $"{into}values ($1, $2, $3, $4, $5, $6, $7, $8)";
        // The version of the event is read from the stream's row as this transaction left it. Where the statement before
        // touched no row, either the row is at another version, and this one is null, which the table refuses; or the
        // transaction is too old, and the function raises. The whole batch goes with it.
        ExpectedEvent = $"{into}values ($1, $2, (select case version when $9 then $3::bigint when $10 then store.refuse_older($2) end from {streams} where id = $2), $4, $5, $6, $7, $8)";
        NextEvent = $"{into}values ($1, $2, (select case last_xact when pg_current_xact_id() then version - $3 else store.refuse_older($2) end from {streams} where id = $2), $4, $5, $6, $7, $8)";
    }

    public string StartStream { get; }

    public string MoveStream { get; }

    public string ContinueStream { get; }

    public string FirstEvent { get; }

    public string ExpectedEvent { get; }

    public string NextEvent { get; }

    public static AppendSql Of(string schema) => Known.GetOrAdd(schema, key => new AppendSql(key));
}
