using System.Diagnostics;
using System.Threading.Channels;
using Npgsql;

namespace Modular.Store;

/// <summary>How far a rebuild is.</summary>
/// <param name="Done">Events read.</param>
/// <param name="Total">Events there were when it began.</param>
/// <param name="Elapsed">Since it began.</param>
public readonly record struct RebuildProgress(long Done, long Total, TimeSpan Elapsed)
{
    /// <summary>How long it will probably still take; null while nothing is known.</summary>
    public TimeSpan? Left => Done == 0 ? null : Elapsed * (Math.Max(0, Total - Done) / (double)Done);
}

/// <summary>What a rebuild did.</summary>
/// <param name="Name">The read model.</param>
/// <param name="Events">Events read.</param>
/// <param name="Rows">Rows of the table now.</param>
/// <param name="Different">Rows that were not equal byte for byte before; null when it was not asked.</param>
public sealed record RebuildResult(string Name, long Events, long Rows, long? Different);

/// <summary>
/// Makes a read model anew from its events while requests are served: into a table beside the live one, then a switch
/// in one transaction. Cancelling it, or losing the process, leaves the live table as it was (DESIGN §4).
/// </summary>
public sealed class ProjectionRebuild
{
    private const int ChunkRows = 1_000;

    // Asking for the table's lock makes everybody else wait: so not for long, and then after a pause again.
    private const int MostRefused = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly StoreParts _parts;

    internal ProjectionRebuild(StoreParts parts) => _parts = parts;

    /// <summary>The read models that can be rebuilt, as <c>schema.table</c>.</summary>
    public IReadOnlyList<string> Names => [.. _parts.Registry.Projections.Select(projection => projection.Name)];

    /// <summary>Rebuilds one read model.</summary>
    /// <param name="projectionName">One of <see cref="Names"/>.</param>
    /// <param name="compare">Counts rows that differ; writers of the table wait while it counts.</param>
    /// <param name="progress">Told about every second.</param>
    /// <param name="token">Stops it and removes what it made.</param>
    /// <exception cref="ArgumentException">There is no such read model.</exception>
    /// <exception cref="InvalidOperationException">Another rebuild of it is running.</exception>
    public async Task<RebuildResult> RebuildProjectionAsync(
        string projectionName, bool compare = false, IProgress<RebuildProgress>? progress = null, CancellationToken token = default)
    {
        var projection = _parts.Registry.Projections.FirstOrDefault(known => known.Name == projectionName)
            ?? throw new ArgumentException($"There is no read model '{projectionName}'. There are: {string.Join(", ", Names)}.", nameof(projectionName));
        await using var write = await _parts.Database.Direct.OpenConnectionAsync(token);
        var shadow = new ShadowTable(write, projection);
        if (!await shadow.Lock(token))
            throw new InvalidOperationException($"Another rebuild of {projectionName} is running.");
        try
        {
            await shadow.Create(token);
            var (events, reached) = await Load(projection, shadow, progress, token);
            await shadow.Analyze(token);
            for (var refused = 0; ; refused++)
            {
                (var more, reached) = await CatchUp(projection, shadow, reached, token);
                events += more;
                try
                {
                    var different = await Switch(projection, shadow, reached, compare, token);
                    return new RebuildResult(projectionName, events, await shadow.CountLive(token), different);
                }
                catch (PostgresException busy) when (refused < MostRefused
                    && busy.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
                {
                    // Somebody has read or written the table and is not done. Whoever comes meanwhile must not queue up
                    // behind us, and whoever has read it and waits to write it must not wait for one who waits for them.
                    await Task.Delay(Pause, token);
                }
            }
        }
        finally
        {
            await shadow.Drop();
        }
    }

    private static string TypesFilter(ITableProjection projection, StoreRegistry registry) =>
        "type = any(array[" + string.Join(',', registry.Modules
            .Single(module => module.DatabaseSchemaName == projection.Module).Events.All
            .Where(mapping => projection.EventTypes.Contains(mapping.ReadAs))
            .Select(mapping => $"'{mapping.Name}'")) + "]::text[])";

    // A read-only transaction has no id, so however long it lasts it does not hold the feed back.
    private async Task<(long Events, FeedPosition Reached)> Load(
        ITableProjection projection, ShadowTable shadow, IProgress<RebuildProgress>? progress, CancellationToken ct)
    {
        await using var read = await _parts.Database.Direct.OpenConnectionAsync(ct);
        await using var snapshot = await read.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
        var filter = TypesFilter(projection, _parts.Registry);
        var (total, horizon) = await Bounds(read, projection, filter, ct);
        var order = projection.PerStream ? "stream_id, version" : "epoch, xact, seq_id";
        await using var command = new NpgsqlCommand(
            $"select {EventReader.Columns} from {projection.Module}.mt_events where {filter} and (epoch, xact) < ($1, $2) order by {order}", read);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = horizon.Epoch });
        command.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = horizon.Transaction, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid8 });
        await using var load = new BulkLoad(projection, shadow, await shadow.Defaults(ct), total, progress);
        // Reading and decoding go on while rows are folded and copied; a few chunks wait between the two.
        var chunks = Channel.CreateBounded<List<IEvent>>(new BoundedChannelOptions(4) { SingleReader = true, SingleWriter = true });
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reading = Task.Run(() => ReadChunks(command, projection.Module, chunks.Writer, either.Token), ct);
        try
        {
            await foreach (var chunk in chunks.Reader.ReadAllAsync(ct))
                await load.Add(chunk, ct);
            await load.Finish(ct);
        }
        finally
        {
            await either.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await reading;
        return (load.Done, new FeedPosition(horizon.Epoch, horizon.Transaction, projection.Module, -1));
    }

    private async Task ReadChunks(
        NpgsqlCommand command, string module, ChannelWriter<List<IEvent>> chunks, CancellationToken ct)
    {
        try
        {
            await using var reader = await command.ExecuteReaderAsync(ct);
            var chunk = new List<EventReader.Row>(ChunkRows);
            while (await reader.ReadAsync(ct))
            {
                chunk.Add(EventReader.RowOf(reader, module));
                if (chunk.Count < ChunkRows)
                    continue;
                await chunks.WriteAsync(await _parts.Reader.Decode(chunk, ct), ct);
                chunk.Clear();
            }

            await chunks.WriteAsync(await _parts.Reader.Decode(chunk, ct), ct);
            chunks.Complete();
        }
        catch (Exception failure)
        {
            // The folding side ends with what the reading side failed of.
            chunks.TryComplete(failure);
            throw;
        }
    }

    private static async Task<(long Total, FeedPosition Horizon)> Bounds(
        NpgsqlConnection read, ITableProjection projection, string filter, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"select (select count(*) from {projection.Module}.mt_events where {filter}), (select epoch from store.epoch), pg_snapshot_xmin(pg_current_snapshot())", read);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetInt64(0), new FeedPosition(row.GetInt32(1), row.GetFieldValue<ulong>(2), "", 0));
    }

    // Until little is left: under steady traffic something always is.
    private async Task<(long Count, FeedPosition Reached)> CatchUp(
        ITableProjection projection, ShadowTable shadow, FeedPosition after, CancellationToken ct)
    {
        for (long events = 0; ;)
        {
            var (count, reached) = await Page(projection, shadow, after, throughHorizon: false, ct);
            (events, after) = (events + count, reached);
            if (count < ChunkRows)
                return (events, after);
        }
    }

    // A stream that got events is folded again from its first: simple, and right however often it happens.
    private async Task<(int Count, FeedPosition Reached)> Page(
        ITableProjection projection, ShadowTable shadow, FeedPosition after, bool throughHorizon, CancellationToken ct)
    {
        var bound = throughHorizon ? "" : "and (epoch, xact) < ((select epoch from store.epoch), pg_snapshot_xmin(pg_current_snapshot())) ";
        var limit = throughHorizon ? "" : $" limit {ChunkRows}";
        var rows = await ReadRows(
            shadow.Connection, projection.Module,
            $"where {TypesFilter(projection, _parts.Registry)} and (epoch, xact, seq_id) > ($1, $2, $3) {bound}order by epoch, xact, seq_id{limit}",
            after, null, ct);
        if (rows.Count == 0)
            return (0, after);
        var (count, reached) = (rows.Count, rows[^1].Position);
        if (projection.PerStream)
        {
            rows = await ReadRows(
                shadow.Connection, projection.Module,
                $"where {TypesFilter(projection, _parts.Registry)} and stream_id = any($1) order by stream_id, version",
                null, [.. rows.Select(row => row.StreamKey).Distinct()], ct);
        }

        var fold = projection.Fold(await shadow.Defaults(ct));
        await shadow.Merge(Fold(fold, await _parts.Reader.Decode(rows, ct)), ct);
        return (count, reached);
    }

    private static IEnumerable<(object Key, object?[]? Row)> Fold(IRowFold fold, List<IEvent> events)
    {
        foreach (var stream in events.GroupBy(e => e.StreamKey))
        {
            fold.Begin();
            foreach (var e in stream)
                fold.Apply(e);
            foreach (var row in fold.Rows())
                yield return row;
        }
    }

    private static async Task<List<EventReader.Row>> ReadRows(
        NpgsqlConnection connection, string module, string clause, FeedPosition? after, string[]? streams, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"select {EventReader.Columns} from {module}.mt_events {clause}", connection);
        if (after is { } position)
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = position.Epoch });
            command.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = position.Transaction, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid8 });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position.Sequence });
        }
        else
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = streams! });
        }

        var rows = new List<EventReader.Row>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            rows.Add(EventReader.RowOf(reader, module));
        return rows;
    }

    // With writers locked out every transaction that wrote the table has ended, so every event it shows is visible,
    // also those beyond the horizon; one that waits for the lock writes the new table.
    private async Task<long?> Switch(
        ITableProjection projection, ShadowTable shadow, FeedPosition reached, bool compare, CancellationToken ct)
    {
        await using var transaction = await shadow.Connection.BeginTransactionAsync(ct);
        await shadow.LockOutWriters(ct);
        await Page(projection, shadow, reached, throughHorizon: true, ct);
        var different = compare ? await shadow.CountDifferences(ct) : (long?)null;
        await shadow.TakeOver(ct);
        await transaction.CommitAsync(ct);
        return different;
    }

    /// <summary>Folds events in order and copies rows as soon as nothing can change them any more.</summary>
    private sealed class BulkLoad(
        ITableProjection projection, ShadowTable shadow, IReadOnlyList<object?> defaults, long total, IProgress<RebuildProgress>? progress)
        : IAsyncDisposable
    {
        /// <summary>A COPY is a write transaction: an open one holds the feed back, so none lasts longer.</summary>
        private static readonly TimeSpan LongestCopy = TimeSpan.FromMilliseconds(500);

        private readonly IRowFold _fold = projection.Fold(defaults);
        private readonly Stopwatch _elapsed = Stopwatch.StartNew();
        private RowCopy? _copy;
        private TimeSpan _copyBegan;
        private TimeSpan _reported;
        private string? _stream;

        public long Done { get; private set; }

        public async ValueTask DisposeAsync()
        {
            if (_copy is not null)
                await _copy.DisposeAsync();
        }

        public async Task Add(List<IEvent> events, CancellationToken ct)
        {
            foreach (var e in events)
            {
                if (_stream != e.StreamKey || !projection.PerStream)
                    await Emit(ct);
                _stream = e.StreamKey;
                _fold.Apply(e);
                Done++;
            }

            if (_copy is not null && _elapsed.Elapsed - _copyBegan > LongestCopy)
                await Commit(ct);
            if (_elapsed.Elapsed - _reported > TimeSpan.FromSeconds(1))
                Report();
        }

        public async Task Finish(CancellationToken ct)
        {
            await Emit(ct);
            await Commit(ct);
            Report();
        }

        private void Report()
        {
            _reported = _elapsed.Elapsed;
            progress?.Report(new RebuildProgress(Done, total, _reported));
        }

        private async Task Emit(CancellationToken ct)
        {
            foreach (var (_, row) in _fold.Rows())
            {
                if (row is null)
                    continue;
                if (_copy is null)
                    (_copy, _copyBegan) = (await shadow.BeginCopy(ct), _elapsed.Elapsed);
                await _copy.Write(row, ct);
            }

            _fold.Begin();
        }

        private async Task Commit(CancellationToken ct)
        {
            if (_copy is null)
                return;
            await _copy.Complete(ct);
            await _copy.DisposeAsync();
            _copy = null;
        }
    }
}
