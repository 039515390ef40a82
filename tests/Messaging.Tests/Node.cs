using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;
using Modular.Testing;
using Npgsql;

namespace Modular.Messaging.Tests;

/// <summary>A bare host with store, messaging and the module <see cref="Notes"/> over a database; several are several nodes.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly IHost _host;

    private Node(IHost host, string connectionString)
    {
        _host = host;
        ConnectionString = connectionString;
    }

    public string ConnectionString { get; }

    public TestClock Clock => (TestClock)_host.Services.GetRequiredService<TimeProvider>();

    public Script Script => _host.Services.GetRequiredService<Script>();

    public IServiceProvider Services => _host.Services;

    public DeadLetters DeadLetters => _host.Services.GetRequiredService<DeadLetters>();

    public IMessagingDaemon Daemon => _host.Services.GetRequiredService<IMessagingDaemon>();

    public static async Task<Node> Start(
        TestDatabase database, string writer = "node", Action<MessagingSettings>? settings = null, Action<MessagingOptions>? messages = null)
    {
        var node = await Create(database, settings, messages);
        node.Script.Writer = writer;
        await node._host.StartAsync();
        return node;
    }

    /// <summary>Without workers until <see cref="StartWorkers"/>.</summary>
    public static async Task<Node> Create(
        TestDatabase database, Action<MessagingSettings>? settings = null, Action<MessagingOptions>? messages = null)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection([new("Auth:Secret", "a secret for tests, long enough to be one")]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(new TestClock());
        builder.Services.AddSingleton(_ => StoreDatabase.Open(Pooler.Through(database.ConnectionString), database.ConnectionString, prepareStatements: !Pooler.IsOn));
        builder.Services.AddKernel();
        builder.Services.AddStore(_ => ["a secret for tests, long enough to be one"]);
        builder.Services.AddStoreDaemon();
        builder.Services.AddMessaging(settings);
        builder.Services.AddMessagingDaemon();
        builder.Services.AddNotes(messages);
        var host = builder.Build();
        await host.Services.GetRequiredService<SchemaMigrator>().Apply();
        return new Node(host, database.ConnectionString);
    }

    public Task StartWorkers() => _host.StartAsync();

    public Task Stop() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }

    /// <summary>One unit of work.</summary>
    public async Task Unit(Func<IDocumentSession, IMessageBus, Task> work)
    {
        await using var scope = _host.Services.CreateAsyncScope();
        var session = scope.ServiceProvider.GetRequiredService<IDocumentSession>();
        await work(session, scope.ServiceProvider.GetRequiredService<IMessageBus>());
        await session.SaveChangesAsync();
    }

    /// <summary>Publishes one message in a unit of work of its own.</summary>
    public Task Publish<T>(T message, DeliveryOptions? options = null)
        where T : class => Unit(async (_, bus) => await bus.PublishAsync(message, options));

    public Task Settled() => Daemon.WaitForEmpty(TimeSpan.FromSeconds(30));

    /// <summary>The notes of a key as <c>text</c>, in the order they were written.</summary>
    public Task<List<string>> Texts(string key) => Strings($"select text from notes.notes where key = '{key}' order by number");

    public async Task<List<string>> Strings(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var rows = await command.ExecuteReaderAsync();
        var found = new List<string>();
        while (await rows.ReadAsync())
            found.Add(rows.GetValue(0).ToString()!);
        return found;
    }

    public async Task<int> Execute(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }

    public async Task<int> Waiting() =>
        int.Parse((await Strings("select count(*) from messaging.incoming_envelopes"))[0], System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Waits for what has no better sign.</summary>
internal static class Eventually
{
    public static async Task True(Func<Task<bool>> condition, string what)
    {
        for (var tries = 0; tries < 6000; tries++)
        {
            if (await condition())
                return;
            await Task.Delay(10);
        }

        Assert.Fail($"Not within a minute: {what}.");
    }

    public static Task True(Func<bool> condition, string what) => True(() => Task.FromResult(condition()), what);
}
