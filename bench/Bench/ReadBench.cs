using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Bench;

/// <summary>Reads: documents by id, and the rebuild of a read model.</summary>
internal static class ReadBench
{
    private const int Cards = 10_000;

    /// <summary>A document by its id, 8 at a time.</summary>
    public static async Task<Comparison> Load(TestDatabase database)
    {
        const int Workers = 8;
        var store = await Harness.Store(database, connections: 4);
        await using (var unit = store.GetRequiredService<IDocumentStore>().LightweightSession())
        {
            for (var number = 0; number < Cards; number++)
                unit.Store(new Card($"card-{number}", $"Card {number}", "What is written on a card of this size.", number));
            await unit.SaveChangesAsync();
        }

        var source = NpgsqlDataSource.Create(
            $"{database.ConnectionString};Maximum Pool Size=4;No Reset On Close=true;Max Auto Prepare=20;Auto Prepare Min Usages=1");
        return new Comparison(
            "document by id, 8 at a time (1/s)", "the prepared select, deserialised", 0.8,
            length => Harness.Throughput(Workers, length, async _ =>
            {
                await using var command = source.CreateCommand("select data from bench.mt_doc_card where id = $1");
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"card-{Random.Shared.Next(Cards)}" });
                await using var rows = await command.ExecuteReaderAsync();
                await rows.ReadAsync();
                if (JsonSerializer.Deserialize<Card>(rows.GetFieldValue<byte[]>(0), StoreJson.Options) is null)
                    throw new InvalidOperationException("The card is missing.");
            }),
            length => Harness.Throughput(Workers, length, async _ =>
            {
                await using var session = store.GetRequiredService<IDocumentStore>().QuerySession();
                if (await session.LoadAsync<Card>($"card-{Random.Shared.Next(Cards)}") is null)
                    throw new InvalidOperationException("The card is missing.");
            }));
    }

    /// <summary>One row per event: events a second.</summary>
    public static async Task<Comparison> Rebuild(TestDatabase database, int events)
    {
        var store = await Harness.Store(database, connections: 4, rows: true);
        await Fill(store, events);
        var source = NpgsqlDataSource.Create($"{database.ConnectionString};Command Timeout=0");
        return new Comparison(
            "rebuild, one row per event (events/s)", "one scan and one COPY", 0.6,
            async _ =>
            {
                var clock = Stopwatch.StartNew();
                var copied = await ScanAndCopy(source);
                return copied / clock.Elapsed.TotalSeconds;
            },
            async _ =>
            {
                var clock = Stopwatch.StartNew();
                var result = await store.GetRequiredService<ProjectionRebuild>().RebuildProjectionAsync($"{Model.Schema}.{Additions.Table}");
                return result.Rows == events
                    ? result.Rows / clock.Elapsed.TotalSeconds
                    : throw new InvalidOperationException($"{result.Rows} rows of {events} events.");
            });
    }

    private static async Task Fill(ServiceProvider store, int events)
    {
        const int PerUnit = 500;
        for (var done = 0; done < events; done += PerUnit)
        {
            await using var unit = store.GetRequiredService<IDocumentStore>().LightweightSession();
            var stream = Guid.CreateVersion7().ToString("N");
            unit.Events.StartStream<Counter>(stream, [
                new CounterOpened("filled"),
                .. Enumerable.Range(0, PerUnit).Select(number => new CounterAdded(number, "one more of many")),
            ]);
            await unit.SaveChangesAsync();
        }
    }

    // The least anybody could do: read the JSON of every event once, take the members out, write one table once.
    private static async Task<long> ScanAndCopy(NpgsqlDataSource source)
    {
        await using var write = await source.OpenConnectionAsync();
        await using (var create = new NpgsqlCommand("drop table if exists bench.by_hand; create table bench.by_hand (like bench.additions including all)", write))
            await create.ExecuteNonQueryAsync();
        await using var read = await source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            "select id, stream_id, timestamp, data from bench.mt_events where type = 'counter.added.1' order by epoch, xact, seq_id", read);
        await using var rows = await command.ExecuteReaderAsync();
        await using var copy = await write.BeginBinaryImportAsync("copy bench.by_hand (id, counter, amount, note, at) from stdin (format binary)");
        while (await rows.ReadAsync())
        {
            var added = JsonSerializer.Deserialize<CounterAdded>(rows.GetFieldValue<byte[]>(3), StoreJson.Options)!;
            await copy.StartRowAsync();
            await copy.WriteAsync(rows.GetGuid(0));
            await copy.WriteAsync(rows.GetString(1));
            await copy.WriteAsync(added.Amount);
            await copy.WriteAsync(added.Note);
            await copy.WriteAsync(rows.GetDateTime(2), NpgsqlDbType.TimestampTz);
        }

        return (long)await copy.CompleteAsync();
    }
}
