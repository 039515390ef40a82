using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Modular.Host.Database;
using Npgsql;

namespace Modular.Testing;

/// <summary>
/// A PgBouncer in transaction mode in front of a server of the tests, started where MODULAR_TEST_POOLER is 1; it ends with
/// the process. Each transaction gets another server connection than the one before, so that nothing works by luck.
/// </summary>
public sealed class Pooler : IDisposable
{
    private const string Prefix = "modular-pooler-";

    /// <summary>Why a test that needs one is left out.</summary>
    public const string Missing = "No pgbouncer on this machine (Debian: apt-get install pgbouncer).";

    private static readonly ConcurrentDictionary<string, Lazy<Pooler>> OfServer = new();
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly string _folder;
    private readonly int _port;

    private static string SearchPath => Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/usr/local/sbin";

    private Pooler(Process process, string folder, int port) => (_process, _folder, _port) = (process, folder, port);

    public static bool IsInstalled { get; } = ChildProcess.Find("pgbouncer", SearchPath) is not null;

    /// <summary>Whether the tests of this run go through one.</summary>
    public static bool IsOn { get; } = Environment.GetEnvironmentVariable("MODULAR_TEST_POOLER") is "1" or "true";

    /// <summary>The way of units of work to a database: through the pooler where there is one, else its own address.</summary>
    public static string Through(string connectionString)
    {
        if (!IsOn)
            return connectionString;
        var address = new NpgsqlConnectionStringBuilder(connectionString);
        var pooler = OfServer.GetOrAdd($"{address.Host}:{address.Port}", _ => new(() =>
        {
            var started = StartFor(connectionString);
            AppDomain.CurrentDomain.ProcessExit += (_, _) => started.Dispose();
            return started;
        })).Value;
        return pooler.To(connectionString);
    }

    /// <summary>What tells a server of a test where its database is.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Settings(string connectionString) =>
    [
        new("ConnectionStrings:Modular", connectionString),
        new("DATABASE_URL", IsOn ? Through(connectionString) : ""),
        new("DATABASE_URL_UNPOOLED", IsOn ? connectionString : ""),
    ];

    /// <summary>One of a test's own, whatever the run.</summary>
    /// <param name="connectionString">Any database of the server, as whoever connects to it through the pooler.</param>
    /// <param name="settings">Lines of its configuration, after ours.</param>
    public static Pooler StartFor(string connectionString, params string[] settings)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Prefix + Leftovers.NameOfThisProcess())).FullName;
        var port = FreePort();
        var file = Path.Combine(folder, "pgbouncer.ini");
        File.WriteAllLines(file,
        [
            "[databases]",
            $"* = host={server.Host} port={server.Port} user={server.Username} password='{server.Password?.Replace("'", "''", StringComparison.Ordinal)}'",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            $"listen_port = {port}",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            "server_round_robin = 1",
            "default_pool_size = 10",
            "max_client_conn = 2000",
            .. settings,
        ]);
        string[] asUser = [];
        if (Environment.IsPrivilegedProcess && OperatingSystem.IsLinux())
        {
            // It refuses to be root, as PostgreSQL does.
            var account = UnixAccount.Choose(null);
            account.Own(folder);
            account.Own(file);
            asUser = [.. account.Prefix];
        }

        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead);
        // Its life hangs on our end of the pipe: a killed test process leaves none behind.
        string[] command = [.. asUser, "sh", "-c", $"pgbouncer -q '{file}' 2>'{folder}/log' & child=$!; cat; kill -9 $child"];
        var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["PATH"] = SearchPath },
        })!;
        var pooler = new Pooler(process, folder, port);
        pooler.Await();
        return pooler;
    }

    /// <summary>The same database, through this pooler.</summary>
    public string To(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Host = "127.0.0.1", Port = _port }.ConnectionString;

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            _process.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // It has ended before us.
        }
    }

    private void Await()
    {
        for (var started = Stopwatch.StartNew(); ; Thread.Sleep(20))
        {
            try
            {
                using var client = new TcpClient();
                client.Connect(IPAddress.Loopback, _port);
                return;
            }
            catch (SocketException) when (started.Elapsed < Limit && !_process.HasExited)
            {
                // Not there yet.
            }
            catch (SocketException)
            {
                var log = Path.Combine(_folder, "log");
                throw new InvalidOperationException(
                    $"PgBouncer did not start. {(IsInstalled ? "" : Missing)} {(File.Exists(log) ? File.ReadAllText(log) : "no word from it")}");
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
