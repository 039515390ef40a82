using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Bench;

/// <summary>Appends: ours against the same statements, prepared, with everything but the values made beforehand.</summary>
internal static class AppendBench
{
    private const string UpdateStream =
        "update bench.mt_streams set version = $2, last_xact = pg_current_xact_id(), timestamp = $3 where id = $1 and version = $4 and last_xact <= pg_current_xact_id()";

    private const string InsertEvent =
        "insert into bench.mt_events (id, stream_id, version, type, timestamp, data, canonical, epoch) values ($1, $2, (select $3::bigint from bench.mt_streams where id = $2 and version = $9), $4, $5, $6, $7, $8)";

    private const string UpsertSnapshot =
        "insert into bench.mt_doc_counter (id, data, mt_last_modified, mt_version) values ($1, $2, $3, $4) on conflict (id) do update set data = excluded.data, mt_last_modified = excluded.mt_last_modified, mt_version = excluded.mt_version";

    /// <summary>An existing stream, an expected version, an inline snapshot, 8 at a time.</summary>
    public static async Task<Comparison> WithSnapshot(TestDatabase database)
    {
        const int Workers = 8;
        var store = await Harness.Store(database, connections: 4);
        var streams = await Open(store, Workers * 2);
        return new Comparison(
            "append, expected version + inline snapshot, 8 at a time (1/s)", "the prepared statements alone", 0.5,
            await ByHand(database, streams[..Workers], connections: 4, snapshot: true),
            length => Harness.Throughput(Workers, length, worker => Ours(store, streams[Workers + worker])));
    }

    /// <summary>One writer, one event, no snapshot.</summary>
    public static async Task<Comparison> Single(TestDatabase database)
    {
        var store = await Harness.Store(database, connections: 4);
        var session = store.GetRequiredService<IDocumentStore>();
        await Tick(session, "single-by-hand");
        await Tick(session, "single-ours");
        var version = 1;
        return new Comparison(
            "single append, one writer (1/s)", "the prepared statements alone", 0.6,
            await ByHand(database, ["single-by-hand"], connections: 1, snapshot: false),
            length => Harness.Throughput(1, length, async _ =>
            {
                await using var unit = session.LightweightSession();
                unit.Events.Append("single-ours", ++version, new Ticked(version));
                await unit.SaveChangesAsync();
            }));
    }

    /// <summary>64 writers on a disk that needs 3 ms to flush: hints between nodes on, against off.</summary>
    public static async Task<Comparison> Hints(TestDatabase database, Func<IServiceProvider, Task> startRelay)
    {
        const int Writers = 64;
        await using (var settings = NpgsqlDataSource.Create(database.ConnectionString))
        {
            var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database;
            await using var command = settings.CreateCommand(
                $"alter database {name} set commit_delay = 3000; alter database {name} set commit_siblings = 0");
            await command.ExecuteNonQueryAsync();
        }

        var store = await Harness.Store(database, connections: Writers);
        await startRelay(store);
        var signal = store.GetRequiredService<FeedSignal>();
        var streams = await Open(store, Writers);
        Task<double> Run(TimeSpan length, bool hints)
        {
            signal.TellsOthers = hints;
            return Harness.Throughput(Writers, length, worker => Ours(store, streams[worker]));
        }

        return new Comparison(
            "append at 3 ms commit latency, 64 writers (1/s)", "the same with hints between nodes off", 0.8,
            length => Run(length, hints: false), length => Run(length, hints: true));
    }

    private static async Task Ours(ServiceProvider store, string stream)
    {
        await using var unit = store.GetRequiredService<IDocumentStore>().LightweightSession();
        var counter = await unit.Events.FetchForWriting<Counter>(stream);
        counter.AppendOne(new CounterAdded(1, "one more"));
        await unit.SaveChangesAsync();
    }

    private static async Task Tick(IDocumentStore store, string stream)
    {
        await using var unit = store.LightweightSession();
        unit.Events.Append(stream, new Ticked(1));
        await unit.SaveChangesAsync();
    }

    private static async Task<string[]> Open(ServiceProvider store, int count)
    {
        var streams = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7().ToString("N")).ToArray();
        foreach (var stream in streams)
        {
            await using var unit = store.GetRequiredService<IDocumentStore>().LightweightSession();
            unit.Events.StartStream<Counter>(stream, new CounterOpened("by the bench"));
            await unit.SaveChangesAsync();
        }

        return streams;
    }

    private static async Task<Func<TimeSpan, Task<double>>> ByHand(
        TestDatabase database, string[] streams, int connections, bool snapshot)
    {
        var source = NpgsqlDataSource.Create(
            $"{database.ConnectionString};Maximum Pool Size={connections};No Reset On Close=true;Max Auto Prepare=20;Auto Prepare Min Usages=1");
        var versions = streams.Select(_ => 1L).ToArray();
        var data = JsonSerializer.SerializeToUtf8Bytes(new { amount = 1, note = "one more" });
        var canonical = new byte[420];
        var document = JsonSerializer.SerializeToUtf8Bytes(new { name = "by the bench", total = 1, changes = 1, id = streams[0] });
        await Task.CompletedTask;
        return length => Harness.Throughput(streams.Length, length, async worker =>
        {
            var (stream, version, now) = (streams[worker], versions[worker]++, DateTime.UtcNow);
            await using var connection = await source.OpenConnectionAsync();
            await using var batch = new NpgsqlBatch(connection);
            Add(batch, UpdateStream, Text(stream), Long(version + 1), Time(now), Long(version));
            Add(batch, InsertEvent, Id(Guid.CreateVersion7()), Text(stream), Long(version + 1), Text(snapshot ? "counter.added.1" : "clock.ticked.1"),
                Time(now), Json(data), Bytes(canonical), new NpgsqlParameter<int> { TypedValue = 1 }, Long(version + 1));
            if (snapshot)
                Add(batch, UpsertSnapshot, Text(stream), Json(document), Time(now), Long(version + 1));
            await batch.ExecuteNonQueryAsync();
        });
    }

    private static void Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value };

    private static NpgsqlParameter<long> Long(long value) => new() { TypedValue = value };

    private static NpgsqlParameter<Guid> Id(Guid value) => new() { TypedValue = value };

    private static NpgsqlParameter<DateTime> Time(DateTime value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private static NpgsqlParameter<byte[]> Json(byte[] value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Jsonb };

    private static NpgsqlParameter<byte[]> Bytes(byte[] value) => new() { TypedValue = value };
}
