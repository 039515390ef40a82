using Modular.Host.Database;
using Npgsql;
using static Modular.Testing.Leftovers;

namespace Modular.Testing;

/// <summary>
/// A fresh, empty database, gone when disposed. All test processes of a run share one embedded server, or the one
/// that MODULAR_TEST_DATABASE_URL or DATABASE_URL names.
/// </summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private const string Prefix = "modular_test_";

    private static readonly Lazy<Task<string>> Server = new(StartServerAsync);

    private readonly string _server;
    private readonly string _name;
    private readonly OwnServer? _own;

    private TestDatabase(string server, string name, OwnServer? own)
    {
        _server = server;
        _name = name;
        _own = own;
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name, Pooling = true }.ConnectionString;
    }

    public string ConnectionString { get; }

    /// <param name="ownServer">
    /// For tests that hold transactions open: an open write transaction holds back the feeds of every database of its
    /// server. A server named by the environment is used all the same.
    /// </param>
    public static async Task<TestDatabase> CreateAsync(bool ownServer = false)
    {
        var own = ownServer && Given() is null ? await OwnServer.StartAsync() : null;
        var server = own?.ConnectionString ?? await Server.Value;
        var name = Prefix + NameOfThisProcess();
        // Measured: a third of the time that file_copy takes, which waits for two checkpoints.
        await ExecuteAsync(server, $"create database {name} template template0 encoding 'UTF8' strategy wal_log");
        return new TestDatabase(server, name, own);
    }

    /// <summary>Stops the server that was made for this database and starts it again, at the same address.</summary>
    /// <param name="down">Runs while there is none.</param>
    public Task RestartServer(Func<Task> down) =>
        (_own ?? throw new InvalidOperationException("The server is not this database's own.")).Restart(down);

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearPool(new NpgsqlConnection(ConnectionString));
        if (_own is not null)
            await _own.DisposeAsync();
        else
            await ExecuteAsync(_server, $"drop database if exists {_name} with (force)");
    }

    private static string? Given() =>
        Environment.GetEnvironmentVariable("MODULAR_TEST_DATABASE_URL") is { Length: > 0 } forTests ? forTests
        : Environment.GetEnvironmentVariable("DATABASE_URL") is { Length: > 0 } url ? url
        : null;

    private static async Task<string> StartServerAsync()
    {
        if (Given() is { } url)
            return Maintenance(PostgresUri.ToConnectionString("MODULAR_TEST_DATABASE_URL or DATABASE_URL", url));

        var options = new EmbeddedPostgresOptions
        {
            DataDirectory = Path.Combine(Repository(), ".modular", "test"),
            Settings = new Dictionary<string, string> { ["max_connections"] = "200" },
        };
        var postgres = await EmbeddedPostgres.StartAsync(options, Console.Error.WriteLine, CancellationToken.None);
        // The runner kills a test process 100 ms after its last test, so there is no time to see the server stop.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => postgres.LeaveAtOnceAsync().GetAwaiter().GetResult();
        var server = Maintenance(postgres.ConnectionString);
        await DropLeftoversAsync(server);
        return server;
    }

    /// <summary>Of test processes that were killed; the names of their databases hold their ids.</summary>
    private static async Task DropLeftoversAsync(string server)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var query = new NpgsqlCommand($"select datname from pg_database where datname like '{Prefix}%'", connection);
        var names = new List<string>();
        await using (var reader = await query.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
                names.Add(reader.GetString(0));
        }

        foreach (var name in names.Where(name => IsLeftover(name[Prefix.Length..])))
            await ExecuteAsync(server, $"drop database if exists {name} with (force)");
    }

    private static string Maintenance(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString;

    private static async Task ExecuteAsync(string server, string statement)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Modular.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("No Modular.sln above the test assembly.");
        return folder.FullName;
    }
}
