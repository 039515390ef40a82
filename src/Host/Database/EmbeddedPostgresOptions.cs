using System.Net;
using System.Net.Sockets;

namespace Modular.Host.Database;

internal sealed record EmbeddedPostgresOptions
{
    /// <summary>Where <see cref="DataDirectory"/> is when it is not given: <c>.modular</c> below this folder.</summary>
    public string ContentRoot { get; init; } = Directory.GetCurrentDirectory();

    /// <summary>As root, a folder that was asked for is used if other users can reach it; the default one moves.</summary>
    public string? DataDirectory { get; init; }

    public string? CacheDirectory { get; init; }

    public string DatabaseName { get; init; } = "modular";

    /// <summary>Settings of the server beyond ours, such as <c>max_connections</c>; values without spaces.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Where npm and a machine's own PostgreSQL are looked for.</summary>
    public string SearchPath { get; init; } = Environment.GetEnvironmentVariable("PATH") ?? "";

    /// <summary>Folders with one folder per version of PostgreSQL in them, as Debian and Red Hat lay them out.</summary>
    public IReadOnlyList<string> SystemFolders { get; init; } =
        ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt", @"C:\Program Files\PostgreSQL"];

    public Func<int> ChoosePort { get; init; } = FreePort;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
