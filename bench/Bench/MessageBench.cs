using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Messaging;
using Modular.Store;
using Modular.Testing;
using Npgsql;

namespace Modular.Bench;

internal sealed record Ping(int Number);

/// <summary>Counts what arrives.</summary>
internal sealed class Pings
{
    private long _handled;

    public long Handled => Interlocked.Read(ref _handled);

    public void Add() => Interlocked.Increment(ref _handled);
}

/// <summary>Does nothing, so that what is measured is the way of the message.</summary>
internal sealed class PingHandler(Pings pings)
{
    public Task Handle(Ping message)
    {
        _ = message;
        pings.Add();
        return Task.CompletedTask;
    }
}

/// <summary>A durable message from its publication, in a unit of work of its own, until it is handled and marked.</summary>
internal static class MessageBench
{
    private const int Publishers = 8;
    private const int Messages = 5_000;

    private const string Insert = """
        insert into bench_by_hand (id, queue, message_type, body, sent_at, execution_time, attempts)
        values ($1, 'bench.ping', 'bench.ping.1', $2, $3, $3, 0)
        """;

    private const string Mark = "update bench_by_hand set attempts = 1, handled = true where id = $1";

    public static async Task<Comparison> EndToEnd(TestDatabase database)
    {
        var host = await StartHost(database);
        var source = NpgsqlDataSource.Create(
            $"{database.ConnectionString};Maximum Pool Size=4;No Reset On Close=true;Max Auto Prepare=20;Auto Prepare Min Usages=1");
        await using (var create = source.CreateCommand("""
            create table bench_by_hand (id uuid primary key, queue text not null, message_type text not null, body jsonb not null,
                sent_at timestamptz not null, execution_time timestamptz not null, attempts integer not null, handled boolean)
                with (fillfactor = 70)
            """))
            await create.ExecuteNonQueryAsync();
        var body = JsonSerializer.SerializeToUtf8Bytes(new Ping(1), StoreJson.Options);
        return new Comparison(
            "durable message, end to end, 8 publishers (1/s)", "insert and update of a bare envelope", 0.7,
            length => Harness.Throughput(Publishers, length, async _ =>
            {
                var id = Guid.CreateVersion7();
                await using var insert = source.CreateCommand(Insert);
                insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
                insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = body, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Jsonb });
                insert.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = DateTime.UtcNow });
                await insert.ExecuteNonQueryAsync();
                await using var mark = source.CreateCommand(Mark);
                mark.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
                await mark.ExecuteNonQueryAsync();
            }),
            _ => PublishAndHandle(host.Services));
    }

    private static async Task<double> PublishAndHandle(IServiceProvider services)
    {
        var pings = services.GetRequiredService<Pings>();
        var target = pings.Handled + Messages;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Publishers).Select(_ => Task.Run(async () =>
        {
            for (var number = 0; number < Messages / Publishers; number++)
            {
                await using var scope = services.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(new Ping(number));
                await scope.ServiceProvider.GetRequiredService<IDocumentSession>().SaveChangesAsync();
            }
        })));
        while (pings.Handled < target)
            await Task.Delay(1);
        await services.GetRequiredService<IMessagingDaemon>().WaitForEmpty(TimeSpan.FromSeconds(30));
        return Messages / clock.Elapsed.TotalSeconds;
    }

    private static async Task<IHost> StartHost(TestDatabase database)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(_ => StoreDatabase.Open($"{database.ConnectionString};Maximum Pool Size=6"));
        builder.Services.AddStore(_ => "a secret for benchmarks, long enough to be one");
        builder.Services.AddStoreDaemon();
        builder.Services.AddMessaging();
        builder.Services.AddMessagingDaemon();
        builder.Services.ConfigureMessaging(
            Model.Schema, typeof(MessageBench).Assembly, messages => messages.PublishMessage<Ping>("bench.ping.1"));
        builder.Services.AddSingleton<Pings>();
        var host = builder.Build();
        await host.Services.GetRequiredService<SchemaMigrator>().Apply();
        await host.StartAsync();
        return host;
    }
}
