using System.Text.Json;
using Npgsql;

namespace Modular.Store;

/// <summary>The event side of a unit of work.</summary>
internal sealed class EventOperations(StoreParts parts) : IEventStoreOperations
{
    // Where the commit reads inside its own transaction.
    private NpgsqlConnection? _connection;

    public Dictionary<(string Schema, string Key), StreamAction> Streams { get; } = [];

    public void StartStream<TAggregate>(string streamKey, params object[] events)
        where TAggregate : class
    {
        Some(events, streamKey);
        var aggregator = Aggregator.Of(typeof(TAggregate));
        var stream = Open(parts.Registry.SchemaOf(aggregator), streamKey);
        // A stream that was fetched and not found may be started.
        if (stream.Events.Count > 0 || stream.ExpectedVersion > 0)
            throw new ExistingStreamIdCollisionException(streamKey);
        stream.Load(aggregator, version: 0, state: null);
        AddTo(stream, events);
    }

    public void Append(string stream, params object[] events)
    {
        foreach (var e in events)
            AddTo(Open(parts.Registry.Event(e.GetType()).Schema, stream), e);
    }

    public void Append(string stream, long expectedVersion, params object[] events)
    {
        Some(events, stream);
        var action = Open(parts.Registry.Event(events[0].GetType()).Schema, stream);
        var before = expectedVersion - events.Length - action.Events.Count;
        if (before < 0)
            throw new EventStreamUnexpectedMaxEventIdException(stream, expectedVersion);
        action.Expect(before);
        action.Starts = before == 0;
        AddTo(action, events);
    }

    public async Task<IEventStream<T>> FetchForWriting<T>(string key, CancellationToken cancellation = default)
        where T : class
    {
        var aggregator = Aggregator.Of(typeof(T));
        var stream = Open(parts.Registry.SchemaOf(aggregator), key);
        if (!stream.Knows(typeof(T)))
            await Fill(stream, aggregator, cancellation);
        return new EventStream<T>(this, stream);
    }

    public async Task<IReadOnlyList<IEventStream<T>>> FetchForWriting<T>(
        IReadOnlyCollection<string> keys, CancellationToken cancellation = default)
        where T : class
    {
        var aggregator = Aggregator.Of(typeof(T));
        var schema = parts.Registry.SchemaOf(aggregator);
        var streams = keys.Distinct().Select(key => Open(schema, key)).ToList();
        var unknown = streams.Where(stream => !stream.Knows(typeof(T))).ToList();
        if (unknown.Count > 0 && parts.Registry.Snapshot(typeof(T)) is { } snapshot)
        {
            await FillFromSnapshots(unknown, snapshot, cancellation);
        }
        else
        {
            foreach (var stream in unknown)
                await Fill(stream, aggregator, cancellation);
        }

        return [.. streams.Select(stream => new EventStream<T>(this, stream))];
    }

    public async Task<T?> AggregateStreamAsync<T>(
        string streamKey, long version = 0, DateTimeOffset? timestamp = null, CancellationToken token = default)
        where T : class
    {
        var aggregator = Aggregator.Of(typeof(T));
        object? state = null;
        foreach (var e in await FetchStreamAsync<T>(streamKey, version, timestamp, token))
            state = aggregator.Apply(state, e);
        return (T?)state;
    }

    public Task<IReadOnlyList<IEvent>> FetchStreamAsync<T>(
        string streamKey, long version = 0, DateTimeOffset? timestamp = null, CancellationToken token = default)
        where T : class =>
        ReadStream(parts.Registry.SchemaOf(Aggregator.Of(typeof(T))), streamKey, version, timestamp, token);

    public async Task<StreamState?> FetchStreamStateAsync<T>(string streamKey, CancellationToken token = default)
        where T : class
    {
        var schema = parts.Registry.SchemaOf(Aggregator.Of(typeof(T)));
        await using var command = parts.Database.Pooled.CreateCommand(
            $"select version, type, timestamp, created from {schema}.mt_streams where id = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = streamKey });
        await using var rows = await command.ExecuteReaderAsync(token);
        return await rows.ReadAsync(token)
            ? new StreamState(
                streamKey, rows.GetInt64(0), await rows.IsDBNullAsync(1, token) ? null : rows.GetString(1),
                rows.GetFieldValue<DateTimeOffset>(2), rows.GetFieldValue<DateTimeOffset>(3))
            : null;
    }

    /// <summary>Reads what the commit still needs: versions and states that snapshots rest on.</summary>
    /// <param name="connection">The commit's own, where it has begun its transaction.</param>
    public async Task Complete(NpgsqlConnection? connection, CancellationToken token)
    {
        _connection = connection;
        try
        {
            foreach (var key in Streams.Where(stream => stream.Value.Events.Count == 0).Select(stream => stream.Key).ToList())
                Streams.Remove(key);
            foreach (var stream in Streams.Values)
            {
                foreach (var aggregator in NeededBy(stream))
                {
                    stream.ReadByCommit |= stream.ExpectedVersion is null;
                    await Fill(stream, aggregator, token);
                }
            }
        }
        finally
        {
            _connection = null;
        }
    }

    /// <summary>Forgets what <see cref="Complete"/> has read.</summary>
    public void Reopen()
    {
        foreach (var stream in Streams.Values)
            stream.Reopen();
    }

    /// <summary>The read models that change with a stream's events.</summary>
    public IEnumerable<ITableProjection> ProjectionsOf(StreamAction stream) =>
        stream.Events.SelectMany(e => parts.Registry.ProjectionsOf(e.EventType)).Distinct();

    public void AddTo(StreamAction stream, params object[] events)
    {
        // PostgreSQL keeps microseconds; what is hashed and what is stored must say the same.
        var now = parts.Clock.GetUtcNow().ToUniversalTime();
        now = new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
        foreach (var data in events)
        {
            var mapping = parts.Registry.Event(data.GetType());
            if (mapping.Schema != stream.Schema)
                throw new InvalidOperationException($"{data.GetType().Name} is not an event of {stream.Schema}.");
            var e = mapping.Wrap(data, Guid.CreateVersion7(now), stream.Key, 0, now, FeedPosition.Start);
            e.Subject = mapping.SubjectOf(data);
            stream.Add(e);
        }
    }

    private static void Some(object[] events, string stream)
    {
        if (events.Length == 0)
            throw new ArgumentException($"Nothing to append to the stream '{stream}'.", nameof(events));
    }

    private StreamAction Open(string schema, string key)
    {
        if (!Streams.TryGetValue((schema, key), out var stream))
            Streams.Add((schema, key), stream = new StreamAction(schema, key));
        return stream;
    }

    private List<IAggregator> NeededBy(StreamAction stream) =>
    [
        .. ProjectionsOf(stream).OfType<IStateProjection>().Select(projection => projection.Aggregator).Distinct()
            .Where(aggregator => !stream.Knows(aggregator.AggregateType)),
    ];

    private PooledCommand Command(string sql) =>
        _connection is { } own ? new PooledCommand(own, sql) : parts.Database.Pooled.CreateCommand(sql);

    // The version and the state it belongs to come from one statement, so from one snapshot of the database.
    private async Task Fill(StreamAction stream, IAggregator aggregator, CancellationToken ct)
    {
        if (parts.Registry.Snapshot(aggregator.AggregateType) is { } snapshot)
            await FillFromSnapshots([stream], snapshot, ct);
        else
            await FillFromEvents(stream, aggregator, version: 0, ct);
    }

    private async Task FillFromEvents(StreamAction stream, IAggregator aggregator, long version, CancellationToken ct)
    {
        object? state = null;
        var events = await ReadStream(stream.Schema, stream.Key, version, null, ct);
        foreach (var e in events)
            state = aggregator.Apply(state, e);
        stream.Load(aggregator, events.Count == 0 ? 0 : events[^1].Version, state);
    }

    private async Task FillFromSnapshots(List<StreamAction> streams, ISnapshotProjection snapshot, CancellationToken ct)
    {
        var found = new Dictionary<string, (long Version, object? State)>(streams.Count);
        await using (var command = Command(
            $"select s.id, s.version, d.data from {snapshot.Module}.mt_streams s left join {snapshot.Document.QualifiedName} d on d.id = s.id where s.id = any($1)"))
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. streams.Select(stream => stream.Key)] });
            await using var rows = await command.ExecuteReaderAsync(ct);
            while (await rows.ReadAsync(ct))
                found.Add(rows.GetString(0), (rows.GetInt64(1), await ReadState(rows, 2, snapshot.Aggregator, ct)));
        }

        foreach (var stream in streams)
        {
            var (version, state) = found.GetValueOrDefault(stream.Key);
            // No row: it has ended, or the snapshot is younger than the stream and was not rebuilt yet.
            if (state is null && version > 0)
                await FillFromEvents(stream, snapshot.Aggregator, version, ct);
            else
                stream.Load(snapshot.Aggregator, version, state);
        }
    }

    private static async Task<object?> ReadState(NpgsqlDataReader row, int column, IAggregator aggregator, CancellationToken ct) =>
        await row.IsDBNullAsync(column, ct)
            ? null
            : JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(column), aggregator.AggregateType, StoreJson.Options);

    private async Task<IReadOnlyList<IEvent>> ReadStream(
        string schema, string key, long version, DateTimeOffset? timestamp, CancellationToken ct)
    {
        await using var command = Command(
            $"select {EventReader.Columns} from {schema}.mt_events where stream_id = $1 and ($2 = 0 or version <= $2) and ($3::timestamptz is null or timestamp <= $3) order by version");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = version });
        command.Parameters.Add(new NpgsqlParameter { Value = StoreBatch.Plain(timestamp), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz });
        var rows = new List<EventReader.Row>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
                rows.Add(EventReader.RowOf(reader, schema));
        }

        return await parts.Reader.Decode(rows, ct);
    }

    private sealed class EventStream<T>(EventOperations events, StreamAction stream) : IEventStream<T>
        where T : class
    {
        public T? Aggregate { get; } = (T?)stream.StateOf(typeof(T));

        public long StartingVersion { get; } = stream.ExpectedVersion!.Value + stream.Events.Count;

        public long CurrentVersion => stream.Version;

        public string Key => stream.Key;

        public IReadOnlyList<IEvent> Events => stream.Events;

        public void AppendOne(object @event) => events.AddTo(stream, @event);

        public void AppendMany(params object[] appended) => events.AddTo(stream, appended);
    }
}
