using System.Net.Sockets;
using Npgsql;

namespace Modular.Host.Database;

/// <summary>
/// A PostgreSQL of this project's own. Hosts of one data directory share it: the first starts it, the last to leave
/// stops it. Each holds a shared lock while it is there; whoever can take that lock alone is the last. Coming and
/// going happen one at a time, under a second lock.
/// </summary>
internal sealed class EmbeddedPostgres : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly PostgresFolders _folders;
    private readonly PostgresCluster _cluster;
    private FileLock? _presence;

    private EmbeddedPostgres(PostgresFolders folders, PostgresCluster cluster, string version, FileLock presence)
    {
        _folders = folders;
        _cluster = cluster;
        _presence = presence;
        Version = version;
    }

    /// <summary>For Npgsql, as the cluster's superuser.</summary>
    public string ConnectionString { get; private set; } = "";

    public string Version { get; }

    /// <summary>This call started the server; otherwise it joined one.</summary>
    public bool Started { get; private set; }

    public string DataDirectory => _folders.Data;

    public static async Task<EmbeddedPostgres> StartAsync(
        EmbeddedPostgresOptions options, Action<string> say, CancellationToken ct)
    {
        var folders = PostgresFolders.Resolve(options, say);
        using var alone = await FileLock.ExclusiveAsync(
            folders.StartLock, () => say($"Waiting for another Host that starts or stops PostgreSQL in {folders.Home}"), ct);
        var binaries = await PostgresBinaries.FindAsync(options, folders, PostgresCluster.MajorOf(folders), say, ct);
        var cluster = new PostgresCluster(folders, binaries, options);
        var presence = FileLock.TryShared(folders.HostsLock)
            ?? throw new DatabaseSetupException($"The lock {folders.HostsLock} is held by a process that is not Modular.");
        var postgres = new EmbeddedPostgres(folders, cluster, binaries.Version, presence);
        try
        {
            await postgres.EnterAsync(options.DatabaseName, ct);
        }
        catch
        {
            await postgres.LeaveAsync(wait: true);
            throw;
        }

        say($"PostgreSQL {binaries.Version} {(postgres.Started ? "started" : "joined")}, data in {folders.Data}");
        return postgres;
    }

    public async ValueTask DisposeAsync()
    {
        if (_presence is null)
            return;
        using var alone = await FileLock.ExclusiveAsync(_folders.StartLock, () => { }, CancellationToken.None);
        await LeaveAsync(wait: true);
    }

    /// <summary>For a process with no time left: the server is told to stop, and whoever comes next waits for it.</summary>
    public async Task LeaveAtOnceAsync()
    {
        if (_presence is null)
            return;
        using var alone = await FileLock.ExclusiveAsync(_folders.StartLock, () => { }, CancellationToken.None);
        await LeaveAsync(wait: false);
    }

    private async Task EnterAsync(string database, CancellationToken ct)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(since) < Patience)
        {
            var server = Postmaster.Find(_folders.Data);
            if (server is null)
            {
                await _cluster.CreateAsync(ct);
                await _cluster.StartAsync(ct);
                Started = true;
            }
            else if (server.IsReady && await IsOpenAsync(server, database, ct))
            {
                return;
            }
            else
            {
                // On its way up, because a Host was killed while it started it, or on its way down.
                await Task.Delay(TimeSpan.FromMilliseconds(25), ct);
            }
        }

        throw new DatabaseSetupException(
            $"PostgreSQL was not ready after {Patience.TotalMinutes} minutes (log: {_folders.Log}).");
    }

    private async Task<bool> IsOpenAsync(Postmaster server, string database, CancellationToken ct)
    {
        var address = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = server.Port,
            Username = PostgresCluster.Superuser,
            Password = _cluster.Password(),
            Database = database,
            SslMode = SslMode.Disable,
        };
        try
        {
            await CreateMissingDatabaseAsync(address, database, ct);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown)
        {
            return false;
        }
        catch (NpgsqlException e) when (e.InnerException is SocketException or IOException)
        {
            return false;
        }
        catch (PostgresException e)
        {
            throw new DatabaseSetupException($"The embedded PostgreSQL in {_folders.Data} refused its own password or database: {e.MessageText}", e);
        }

        ConnectionString = address.ConnectionString;
        return true;
    }

    private static async Task CreateMissingDatabaseAsync(
        NpgsqlConnectionStringBuilder address, string database, CancellationToken ct)
    {
        var maintenance = new NpgsqlConnectionStringBuilder(address.ConnectionString) { Database = "postgres", Pooling = false };
        await using var connection = new NpgsqlConnection(maintenance.ConnectionString);
        await connection.OpenAsync(ct);
        await using var exists = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection);
        exists.Parameters.Add(new() { Value = database });
        if (await exists.ExecuteScalarAsync(ct) is not null)
            return;
        await using var create = new NpgsqlCommand($"create database \"{database.Replace("\"", "\"\"")}\"", connection);
        await create.ExecuteNonQueryAsync(ct);
    }

    /// <summary>To be called under the start lock.</summary>
    private async Task LeaveAsync(bool wait)
    {
        _presence?.Dispose();
        _presence = null;
        using var last = FileLock.TryExclusive(_folders.HostsLock);
        if (last is null || Postmaster.Find(_folders.Data) is null)
            return;
        await _cluster.StopAsync(wait, CancellationToken.None);
        // Until it says that it stops, a newcomer would take it for one to join.
        for (var turn = 0; turn < 20 && Postmaster.Read(_folders.Data) is { IsReady: true }; turn++)
            await Task.Delay(TimeSpan.FromMilliseconds(5));
    }
}
