using System.Text.Json;
using Npgsql;

namespace Modular.Store;

/// <summary>The event side of a unit of work.</summary>
internal sealed class EventOperations(StoreParts parts) : IEventStoreOperations
{
    public Dictionary<(string Schema, string Key), StreamAction> Streams { get; } = [];

    public void StartStream<TAggregate>(string streamKey, params object[] events)
        where TAggregate : class
    {
        var aggregator = Aggregator.Of(typeof(TAggregate));
        var stream = new StreamAction(parts.Registry.SchemaOf(aggregator), streamKey)
        {
            Starts = true,
            ExpectedVersion = 0,
            AggregateType = Names.Snake(typeof(TAggregate).Name),
            Aggregator = aggregator,
        };
        if (!Streams.TryAdd((stream.Schema, streamKey), stream))
            throw new ExistingStreamIdCollisionException(streamKey);
        AddTo(stream, events);
    }

    public void Append(string stream, params object[] events)
    {
        foreach (var e in events)
            AddTo(Open(parts.Registry.Event(e.GetType()).Schema, stream), e);
    }

    public void Append(string stream, long expectedVersion, params object[] events)
    {
        var action = Open(parts.Registry.Event(events[0].GetType()).Schema, stream);
        var before = expectedVersion - events.Length;
        if (action.ExpectedVersion is { } known && known + action.Events.Count != before)
            throw new EventStreamUnexpectedMaxEventIdException(stream, expectedVersion);
        action.Starts |= before == 0;
        action.ExpectedVersion ??= before - action.Events.Count;
        AddTo(action, events);
    }

    public async Task<IEventStream<T>> FetchForWriting<T>(string key, CancellationToken cancellation = default)
        where T : class
    {
        var aggregator = Aggregator.Of(typeof(T));
        var stream = Open(parts.Registry.SchemaOf(aggregator), key);
        if (stream.Aggregator is null)
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
        var unknown = streams.Where(stream => stream.Aggregator is null).ToList();
        if (unknown.Count > 1 && parts.Registry.Snapshot(typeof(T)) is { } snapshot)
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

    /// <summary>Reads what the commit still needs: versions and states that inline projections rest on.</summary>
    public async Task Complete(CancellationToken token)
    {
        foreach (var key in Streams.Where(stream => stream.Value.Events.Count == 0).Select(stream => stream.Key).ToList())
            Streams.Remove(key);
        foreach (var stream in Streams.Values.Where(stream => stream.Aggregator is null))
        {
            var snapshot = stream.Events
                .SelectMany(e => parts.Registry.ProjectionsOf(e.EventType)).OfType<ISnapshotProjection>().FirstOrDefault();
            if (snapshot is null)
                continue;
            var expected = stream.ExpectedVersion;
            var known = stream.Stored.ToList();
            await Fill(stream, snapshot.Aggregator, token);
            if (expected is { } version && version != stream.ExpectedVersion)
                throw new EventStreamUnexpectedMaxEventIdException(stream.Key, version);
            foreach (var e in known)
                stream.State = snapshot.Aggregator.Apply(stream.State, e);
        }
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
            stream.Add(StoredEvent.Of(data, mapping, Guid.CreateVersion7(now), stream.Key, 0, now, FeedPosition.Start));
        }
    }

    private StreamAction Open(string schema, string key)
    {
        if (!Streams.TryGetValue((schema, key), out var stream))
            Streams.Add((schema, key), stream = new StreamAction(schema, key));
        return stream;
    }

    // The version and the state it belongs to come from one statement, so from one snapshot of the database.
    private async Task Fill(StreamAction stream, IAggregator aggregator, CancellationToken ct)
    {
        if (parts.Registry.Snapshot(aggregator.AggregateType) is { } snapshot)
        {
            await FillFromSnapshot(stream, snapshot, ct);
        }
        else
        {
            var events = await ReadStream(stream.Schema, stream.Key, 0, null, ct);
            foreach (var e in events)
                stream.State = aggregator.Apply(stream.State, e);
            stream.Expect(events.Count == 0 ? 0 : events[^1].Version);
        }

        Filled(stream, aggregator);
    }

    private static void Filled(StreamAction stream, IAggregator aggregator)
    {
        stream.AggregateType ??= Names.Snake(aggregator.AggregateType.Name);
        stream.Starts = stream.ExpectedVersion == 0;
        stream.Aggregator = aggregator;
    }

    private async Task FillFromSnapshots(List<StreamAction> streams, ISnapshotProjection snapshot, CancellationToken ct)
    {
        var missing = streams.ToDictionary(stream => stream.Key);
        await using (var command = parts.Database.Pooled.CreateCommand(
            $"select s.version, d.data, s.id from {snapshot.Module}.mt_streams s left join {snapshot.Document.QualifiedName} d on d.id = s.id where s.id = any($1)"))
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. missing.Keys] });
            await using var rows = await command.ExecuteReaderAsync(ct);
            while (await rows.ReadAsync(ct))
            {
                missing.Remove(rows.GetString(2), out var stream);
                await ReadSnapshot(stream!, snapshot, rows, ct);
            }
        }

        foreach (var stream in missing.Values)
            stream.Expect(0);
        foreach (var stream in streams)
            Filled(stream, snapshot.Aggregator);
    }

    private async Task FillFromSnapshot(StreamAction stream, ISnapshotProjection snapshot, CancellationToken ct)
    {
        await using var command = parts.Database.Pooled.CreateCommand(
            $"select s.version, d.data from {stream.Schema}.mt_streams s left join {snapshot.Document.QualifiedName} d on d.id = s.id where s.id = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream.Key });
        await using var rows = await command.ExecuteReaderAsync(ct);
        if (!await rows.ReadAsync(ct))
        {
            stream.Expect(0);
            return;
        }

        await ReadSnapshot(stream, snapshot, rows, ct);
    }

    private static async Task ReadSnapshot(StreamAction stream, ISnapshotProjection snapshot, NpgsqlDataReader row, CancellationToken ct)
    {
        stream.State = await row.IsDBNullAsync(1, ct)
            ? null
            : JsonSerializer.Deserialize(row.GetFieldValue<byte[]>(1), snapshot.Aggregator.AggregateType, StoreJson.Options);
        stream.Expect(row.GetInt64(0));
    }

    private async Task<IReadOnlyList<IEvent>> ReadStream(
        string schema, string key, long version, DateTimeOffset? timestamp, CancellationToken ct)
    {
        await using var command = parts.Database.Pooled.CreateCommand(
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
        public T? Aggregate { get; } = (T?)stream.State;

        public long StartingVersion { get; } = stream.ExpectedVersion!.Value + stream.Events.Count;

        public long CurrentVersion => stream.Version;

        public string Key => stream.Key;

        public IReadOnlyList<IEvent> Events => stream.Events;

        public void AppendOne(object @event) => events.AddTo(stream, @event);

        public void AppendMany(params object[] appended) => events.AddTo(stream, appended);
    }
}
