using Modular.Host.Database;

namespace Modular.Testing;

/// <summary>A server of one test's own, gone with its files when disposed.</summary>
internal sealed class OwnServer : IAsyncDisposable
{
    private const string Prefix = "modular-test-";

    private readonly string _folder;
    private EmbeddedPostgres _postgres;

    private OwnServer(EmbeddedPostgres postgres, string folder)
    {
        _postgres = postgres;
        _folder = folder;
    }

    public string ConnectionString => _postgres.ConnectionString;

    public static async Task<OwnServer> StartAsync()
    {
        RemoveLeftovers();
        // Not CreateTempSubdirectory: that one is closed to the user that runs PostgreSQL when the tests run as root.
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Prefix + Leftovers.NameOfThisProcess())).FullName;
        return new OwnServer(await Start(folder), folder);
    }

    /// <summary>Stops it and starts it again, at the same address.</summary>
    public async Task Restart(Func<Task> down)
    {
        await _postgres.DisposeAsync();
        await down();
        _postgres = await Start(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static Task<EmbeddedPostgres> Start(string folder) => EmbeddedPostgres.StartAsync(
        new EmbeddedPostgresOptions
        {
            DataDirectory = folder,
            DatabaseName = "postgres",
            // Tells drills when something was committed.
            Settings = new Dictionary<string, string> { ["track_commit_timestamp"] = "on" },
        },
        _ => { },
        CancellationToken.None);

    /// <summary>A server whose data directory is gone ends by itself within a minute.</summary>
    private static void RemoveLeftovers()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            if (Leftovers.IsLeftover(Path.GetFileName(folder)[Prefix.Length..]))
                Directory.Delete(folder, recursive: true);
        }
    }
}
