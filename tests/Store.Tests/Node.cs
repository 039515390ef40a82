using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Modular.Testing;
using Npgsql;

namespace Modular.Store.Tests;

/// <summary>One process over a database: a store of its own with connections and caches of its own.</summary>
internal sealed class Node : IAsyncDisposable
{
    public const string Secret = "the secret of these tests, 32 characters and more";

    private readonly ServiceProvider _services;
    private readonly List<IHostedService> _running = [];

    private Node(ServiceProvider services) => _services = services;

    public StoreDatabase Database => Get<StoreDatabase>();

    public IDocumentStore Store => Get<IDocumentStore>();

    public EventFeed Feed => Get<EventFeed>();

    public ProjectionRebuild Rebuild => Get<ProjectionRebuild>();

    public SchemaMigrator Migrator => Get<SchemaMigrator>();

    public IProjectionDaemon Daemon => Get<IProjectionDaemon>();

    public LedgerPen Pen => Get<LedgerPen>();

    public TestClock Clock => (TestClock)Get<TimeProvider>();

    /// <summary>A process that has started and found the schema in order.</summary>
    public static async Task<Node> Start(string database, Action<IServiceCollection>? modules = null, string secret = Secret, params string[] accepted)
    {
        var node = Create(database, modules, secret, accepted);
        await node.Migrator.Apply();
        return node;
    }

    /// <summary>A process that has not looked at the schema yet.</summary>
    public static Node Create(string database, Action<IServiceCollection>? modules = null, string secret = Secret, params string[] accepted)
    {
        var services = new ServiceCollection();
        services.AddLogging(log => log.AddFilter(_ => false));
        services.AddSingleton<TimeProvider>(new TestClock());
        services.AddSingleton(_ => StoreDatabase.Open(Pooler.Through(database), database, prepareStatements: !Pooler.IsOn));
        services.AddSingleton<LedgerPen>();
        services.AddStore(_ => [secret, .. accepted]);
        services.AddStoreDaemon();
        (modules ?? Both)(services);
        return new Node(services.BuildServiceProvider());
    }

    public static void Both(IServiceCollection services)
    {
        services.AddBank();
        services.AddJournal();
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public IDocumentSession Session(string? actor = null) => Store.LightweightSession(new EventMetadata { Actor = actor });

    /// <summary>Starts the background half: hints and subscriptions.</summary>
    public async Task StartDaemon(string name = "one")
    {
        Pen.Node = name;
        foreach (var service in _services.GetServices<IHostedService>())
        {
            await service.StartAsync(default);
            _running.Add(service);
        }
    }

    public async Task StopDaemon()
    {
        foreach (var service in _running)
            await service.StopAsync(default);
        _running.Clear();
    }

    /// <summary>Appends in a unit of work of its own.</summary>
    public async Task Append(string stream, params object[] events)
    {
        await using var session = Session();
        session.Events.Append(stream, events);
        await session.SaveChangesAsync();
    }

    public async Task Execute(string sql, params object[] parameters) => await Rows(sql, parameters);

    public async Task<T> Value<T>(string sql, params object[] parameters) => (T)(await Rows(sql, parameters)).Single()[0]!;

    public async Task<List<object?[]>> Rows(string sql, params object[] parameters)
    {
        await using var command = Database.Direct.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        await using var rows = await command.ExecuteReaderAsync();
        var found = new List<object?[]>();
        while (await rows.ReadAsync())
            found.Add([.. Enumerable.Range(0, rows.FieldCount).Select(at => rows.IsDBNull(at) ? null : rows.GetValue(at))]);
        return found;
    }

    public async ValueTask DisposeAsync()
    {
        await StopDaemon();
        await _services.DisposeAsync();
    }
}

/// <summary>A fresh database with one node, for a test class that holds no transactions open.</summary>
public sealed class Store : IAsyncLifetime
{
    private TestDatabase? _database;
    private Node? _node;

    internal Node Node => _node!;

    internal string ConnectionString => _database!.ConnectionString;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _node = await Node.Start(ConnectionString);
    }

    public async Task DisposeAsync()
    {
        await Node.DisposeAsync();
        await _database!.DisposeAsync();
    }
}

/// <summary>
/// A server of their own for tests that hold transactions open, which would hold back the feeds of all others; one after
/// the other, since the environment may name a server that all of them share.
/// </summary>
[CollectionDefinition(nameof(OwnServer), DisableParallelization = true)]
public sealed class OwnServer : IAsyncLifetime, ICollectionFixture<OwnServer>
{
    private TestDatabase? _first;
    private int _databases;

    public async Task InitializeAsync() => _first = await TestDatabase.CreateAsync(ownServer: true);

    public async Task DisposeAsync() => await _first!.DisposeAsync();

    /// <summary>Empty; it goes with the server.</summary>
    internal async Task<string> NewDatabase()
    {
        var name = new NpgsqlConnectionStringBuilder(_first!.ConnectionString).Database + $"_{++_databases}";
        await using var connection = new NpgsqlConnection(_first.ConnectionString);
        await connection.OpenAsync();
        await using var create = new NpgsqlCommand($"create database {name} template template0 encoding 'UTF8'", connection);
        await create.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(_first.ConnectionString) { Database = name }.ConnectionString;
    }
}

/// <summary>Names that no other test of the class uses.</summary>
internal static class Some
{
    private static int _last;

    public static string Key(string kind = "key") => $"{kind}-{Interlocked.Increment(ref _last)}";
}
