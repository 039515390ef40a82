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

    /// <summary>Which aggregate <see cref="State"/> is of; null while no state is known.</summary>
    internal IAggregator? Aggregator { get; set; }

    /// <summary>The state with these events, as far as <see cref="Aggregator"/> is known.</summary>
    internal object? State { get; set; }

    internal IReadOnlyList<StoredEvent> Stored => _events;

    internal void Add(StoredEvent e)
    {
        _events.Add(e);
        if (ExpectedVersion is { } expected)
            Version = e.Version = expected + _events.Count;
        if (Aggregator is not null)
            State = Aggregator.Apply(State, e);
    }

    /// <summary>Fixes the version once it is known, and with it those of the events.</summary>
    internal void Expect(long version)
    {
        ExpectedVersion = version;
        for (var at = 0; at < _events.Count; at++)
            _events[at].Version = version + at + 1;
        Version = version + _events.Count;
    }
}

/// <summary>
/// The statements that append. A stream's row carries the id of the last transaction that appended, and an append
/// whose transaction is older is refused: versions never appear reversed in the feed (DESIGN §4).
/// </summary>
internal sealed class AppendOperation(
    StreamAction stream, IReadOnlyList<(byte[] Data, byte[] Canonical)> written, int epoch) : IStorageOperation
{
    public void Write(StoreBatch batch)
    {
        var last = stream.Stored[^1].Timestamp;
        var table = $"{stream.Schema}.mt_streams";
        if (stream.Starts)
        {
            batch.Sql($"insert into {table} (id, type, version, last_xact, timestamp, created) values ($1, $2, $3, pg_current_xact_id(), $4, $4)")
                .With(stream.Key).With(stream.AggregateType).With(stream.Version).With(last);
        }
        else if (stream.ExpectedVersion is { } expected)
        {
            batch.Sql($"update {table} set version = $2, last_xact = pg_current_xact_id(), timestamp = $3 where id = $1 and version = $4 and last_xact <= pg_current_xact_id()")
                .With(stream.Key).With(stream.Version).With(last).With(expected);
        }
        else
        {
            batch.Sql($"insert into {table} as s (id, type, version, last_xact, timestamp, created) values ($1, $2, $3, pg_current_xact_id(), $4, $4) "
                + "on conflict (id) do update set version = s.version + $3, last_xact = pg_current_xact_id(), timestamp = $4 where s.last_xact <= pg_current_xact_id()")
                .With(stream.Key).With(stream.AggregateType).With((long)stream.Stored.Count).With(last);
        }

        for (var at = 0; at < stream.Stored.Count; at++)
            WriteEvent(batch, at);
    }

    public Exception? Explain(PostgresException failure) => failure switch
    {
        { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "mt_streams_pkey" } =>
            new ExistingStreamIdCollisionException(stream.Key, failure),
        { SqlState: PostgresErrorCodes.UniqueViolation } =>
            new EventStreamUnexpectedMaxEventIdException(stream.Key, stream.ExpectedVersion, failure),
        { SqlState: PostgresErrorCodes.NotNullViolation, ColumnName: "version" } =>
            new EventStreamUnexpectedMaxEventIdException(stream.Key, stream.ExpectedVersion, failure) { MayBeAge = true },
        _ => null,
    };

    // The version of the event is read from the stream's row as this transaction left it: where the statement before
    // touched no row it is null, which the table refuses, and the whole batch with it.
    private void WriteEvent(StoreBatch batch, int at)
    {
        const string Into = ".mt_events (id, stream_id, version, type, timestamp, data, canonical, epoch) ";
        var e = stream.Stored[at];
        var streams = $"{stream.Schema}.mt_streams";
        if (stream.Starts)
        {
            batch.Sql($"insert into {stream.Schema}{Into}values ($1, $2, $3, $4, $5, $6, $7, $8)");
        }
        else if (stream.ExpectedVersion is not null)
        {
            batch.Sql($"insert into {stream.Schema}{Into}values ($1, $2, (select $3::bigint from {streams} where id = $2 and version = $9), $4, $5, $6, $7, $8)");
        }
        else
        {
            batch.Sql($"insert into {stream.Schema}{Into}values ($1, $2, (select version - $3 from {streams} where id = $2 and last_xact = pg_current_xact_id()), $4, $5, $6, $7, $8)");
        }

        batch.With(e.Id).With(stream.Key)
            .With(stream.Starts || stream.ExpectedVersion is not null ? e.Version : stream.Stored.Count - 1 - at)
            .With(e.EventTypeName).With(e.Timestamp)
            .WithJson(written[at].Data).With(written[at].Canonical, NpgsqlDbType.Bytea).With(epoch);
        if (!stream.Starts && stream.ExpectedVersion is not null)
            batch.With(stream.Version);
    }
}
