using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Messaging;
using Modular.Store;
using Modular.Testing;
using Npgsql;

namespace Modular.Bench;

internal sealed record Pinged(string Id, int Number, string Note);

/// <summary>Does nothing but say when its unit of work is committed.</summary>
internal sealed class PingedHandler(IDocumentSession session, Pings pings)
{
    public Task Handle(Pinged pinged)
    {
        session.OnCommitted(() => pings.Handled(pinged.Id));
        return Task.CompletedTask;
    }
}

/// <summary>Who waits for which message.</summary>
internal sealed class Pings
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new();

    public Task Expect(string id) =>
        _waiting.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Handled(string id)
    {
        if (_waiting.TryRemove(id, out var waiting))
            waiting.SetResult();
    }
}

/// <summary>A durable message from end to end: published in a unit of work, handled, marked in the handler's own.</summary>
internal static class MessageBench
{
    private const int Workers = 8;
    private const int Connections = 4;

    private const string Table = """
        create table bench_envelopes (
            id uuid primary key, status text not null, owner_id integer not null, execution_time timestamptz, attempts integer not null,
            body jsonb not null, message_type text not null, received_at text not null) with (fillfactor = 70);
        create index on bench_envelopes (owner_id) where owner_id <> 0
        """;

    public static async Task<Comparison> EndToEnd(TestDatabase database)
    {
        var byHand = await ByHand(database);
        var ours = await Ours(database);
        return new Comparison(
            "durable message, published, handled, marked, 8 at a time (1/s)", "the bare envelope insert and update", 0.7, byHand, ours);
    }

    private static async Task<Func<TimeSpan, Task<double>>> ByHand(TestDatabase database)
    {
        var source = NpgsqlDataSource.Create(
            $"{database.ConnectionString};Maximum Pool Size={Connections};No Reset On Close=true;Max Auto Prepare=20;Auto Prepare Min Usages=2");
        await using (var table = source.CreateCommand(Table))
            await table.ExecuteNonQueryAsync();
        var body = JsonSerializer.SerializeToUtf8Bytes(Ping(1), StoreJson.Options);
        return length => Harness.Throughput(Workers, length, async _ =>
        {
            var id = Guid.CreateVersion7();
            await using (var insert = source.CreateCommand(
                "insert into bench_envelopes (id, status, owner_id, attempts, body, message_type, received_at) values ($1, 'Incoming', 1, 0, $2, $3, $4)"))
            {
                insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
                insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = body, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Jsonb });
                insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "bench.pinged.1" });
                insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "local://bench" });
                await insert.ExecuteNonQueryAsync();
            }

            await using var mark = source.CreateCommand("update bench_envelopes set status = 'Handled', owner_id = 0 where id = $1");
            mark.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            await mark.ExecuteNonQueryAsync();
        });
    }

    private static async Task<Func<TimeSpan, Task<double>>> Ours(TestDatabase database)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        services.AddSingleton(_ => StoreDatabase.Open($"{database.ConnectionString};Maximum Pool Size={Connections}"));
        services.AddSingleton<Pings>();
        services.AddStore(_ => ["a secret for benchmarks, long enough to be one"]);
        services.AddStoreDaemon();
        services.AddMessaging();
        services.AddMessagingDaemon();
        services.ConfigureMessaging("bench", typeof(MessageBench).Assembly, messages => messages.PublishMessage<Pinged>("bench.pinged.1"));
        var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<SchemaMigrator>().Apply();
        foreach (var hosted in provider.GetServices<IHostedService>())
            await hosted.StartAsync(CancellationToken.None);

        var pings = provider.GetRequiredService<Pings>();
        var number = 0;
        return length => Harness.Throughput(Workers, length, async _ =>
        {
            var ping = Ping(Interlocked.Increment(ref number));
            var handled = pings.Expect(ping.Id);
            await using (var scope = provider.CreateAsyncScope())
            {
                await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(ping);
                await scope.ServiceProvider.GetRequiredService<IDocumentSession>().SaveChangesAsync();
            }

            await handled;
        });
    }

    private static Pinged Ping(int number) =>
        new(Guid.CreateVersion7().ToString("N"), number, "a message of about the size that real ones have, with a sentence in it");
}
