using Modular.Host.Database;

namespace Modular.Testing;

/// <summary>A server of one test's own, gone with its files when disposed.</summary>
internal sealed class OwnServer : IAsyncDisposable
{
    private readonly EmbeddedPostgres _postgres;
    private readonly string _folder;

    private OwnServer(EmbeddedPostgres postgres, string folder)
    {
        _postgres = postgres;
        _folder = folder;
    }

    public string ConnectionString => _postgres.ConnectionString;

    public static async Task<OwnServer> StartAsync()
    {
        // Not CreateTempSubdirectory: that one is closed to the user that runs PostgreSQL when the tests run as root.
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"modular-test-{Guid.NewGuid():N}")).FullName;
        var options = new EmbeddedPostgresOptions { DataDirectory = folder, DatabaseName = "postgres" };
        return new OwnServer(await EmbeddedPostgres.StartAsync(options, _ => { }, CancellationToken.None), folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
