using System.Diagnostics;
using System.Globalization;
using Modular.Host.Database;
using Npgsql;

namespace Modular.Host.Tests;

/// <summary>One data directory for most of them, because making one is what takes time; each leaves it stopped.</summary>
public sealed class EmbeddedPostgresTests(ScratchFolder scratch) : IClassFixture<ScratchFolder>
{
    private EmbeddedPostgresOptions Options => new() { DataDirectory = scratch.Path };

    private string Data => scratch["postgres/data"];

    [Fact]
    public async Task A_server_is_durable_and_only_this_machine_reaches_it()
    {
        await using var postgres = await StartAsync();

        Assert.True(postgres.Started);
        Assert.Equal("modular", await AskAsync(postgres, "select current_database()::text"));
        Assert.Equal("on", await AskAsync(postgres, "show fsync"));
        Assert.Equal("127.0.0.1", await AskAsync(postgres, "show listen_addresses"));
        Assert.Equal("on", await AskAsync(postgres, "show data_checksums"));
        Assert.Equal("scram-sha-256", await AskAsync(postgres, "select string_agg(distinct auth_method, ',') from pg_hba_file_rules"));
        Assert.Equal("ÄÖ", await AskAsync(postgres, "select upper('äö')"));
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            Assert.Equal(Private, File.GetUnixFileMode(scratch["postgres/password"]));
        }

        // A session of its own: a terminal's Ctrl-C goes to the processes of the terminal's session.
        var server = Postmaster.Read(Data)!.ProcessId;
        Assert.Equal(server, SessionOf(server));
    }

    [Fact]
    public async Task What_was_written_is_there_after_the_last_Host_has_left()
    {
        await using (var first = await StartAsync())
            await AskAsync(first, "create table left_behind as select 'yes' as answer; select 'done'");
        Assert.False(File.Exists(Postmaster.PidFile(Data)));

        await using var second = await StartAsync();

        Assert.True(second.Started);
        Assert.Equal("yes", await AskAsync(second, "select answer from left_behind"));
    }

    [Fact]
    public async Task A_second_process_joins_and_the_last_to_leave_stops_the_server()
    {
        var first = await StartAsync();
        var second = await ProbeProcess.StartAsync(scratch.Path);
        Assert.True(second.Joined);
        Assert.Equal(first.ConnectionString, second.ConnectionString);

        await first.DisposeAsync();
        Assert.Equal("1", await AskAsync(second.ConnectionString, "select '1'"));

        await second.DisposeAsync();
        Assert.False(File.Exists(Postmaster.PidFile(Data)));
    }

    [Fact]
    public async Task Hosts_that_come_at_the_same_moment_share_one_server()
    {
        var hosts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => EmbeddedPostgres.StartAsync(Options, _ => { }, default))));

        Assert.Single(hosts, host => host.Started);
        Assert.Single(hosts.Select(host => host.ConnectionString).Distinct());

        await Task.WhenAll(hosts.Select(host => host.DisposeAsync().AsTask()));
        Assert.False(File.Exists(Postmaster.PidFile(Data)));
    }

    [Fact]
    public async Task A_newcomer_waits_for_a_server_that_is_stopping()
    {
        var leaving = await StartAsync();
        await leaving.LeaveAtOnceAsync();

        await using var next = await StartAsync();

        Assert.True(next.Started);
        Assert.Equal("1", await AskAsync(next, "select '1'"));
    }

    [Fact]
    public async Task The_server_outlives_a_killed_Host_and_the_next_one_joins_it()
    {
        var killed = await ProbeProcess.StartAsync(scratch.Path);
        var server = Postmaster.Read(Data)!.ProcessId;
        await killed.KillAsync();

        await using (var next = await StartAsync())
        {
            Assert.False(next.Started);
            Assert.Equal(server, Postmaster.Read(Data)!.ProcessId);
            Assert.Equal("1", await AskAsync(next, "select '1'"));
        }

        Assert.False(File.Exists(Postmaster.PidFile(Data)));
    }

    [Fact]
    public async Task After_Host_and_server_were_killed_together_the_next_start_recovers_at_once()
    {
        var killed = await ProbeProcess.StartAsync(scratch.Path);
        await AskAsync(killed.ConnectionString, "create table crashed as select 'yes' as answer; select 'done'");
        Process.GetProcessById(Postmaster.Read(Data)!.ProcessId).Kill();
        await killed.KillAsync();

        await using var next = await StartAsync();

        Assert.True(next.Started);
        Assert.Equal("yes", await AskAsync(next, "select answer from crashed"));
    }

    [Fact]
    public async Task A_Host_that_outlives_its_server_finds_the_next_one_where_it_was()
    {
        await using var first = await StartAsync();
        Process.GetProcessById(Postmaster.Read(Data)!.ProcessId).Kill();

        await using var second = await StartAsync();

        Assert.True(second.Started);
        Assert.Equal("1", await AskAsync(first, "select '1'"));
    }

    [Fact]
    public async Task A_process_id_that_now_belongs_to_a_stranger_does_not_block_the_start()
    {
        await (await StartAsync()).DisposeAsync();
        using var stranger = StartAsTheServersUser("sleep", "60");
        await File.WriteAllTextAsync(
            Postmaster.PidFile(Data), string.Create(CultureInfo.InvariantCulture, $"{stranger.Id}\n{Data}\n1\n5432\n\n127.0.0.1\n\nready\n"));

        await using (var postgres = await StartAsync())
            Assert.True(postgres.Started);

        Assert.False(stranger.HasExited);
        stranger.Kill();
    }

    [Fact]
    public async Task A_taken_port_is_exchanged_for_another()
    {
        using var other = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        File.Delete(scratch["postgres/port"]);
        var taken = ((System.Net.IPEndPoint)other.LocalEndpoint).Port;
        var ports = new Queue<int>([taken, Options.ChoosePort()]);

        await using var postgres = await StartAsync(Options with { ChoosePort = ports.Dequeue });

        Assert.Empty(ports);
        Assert.NotEqual(taken, new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Port);
    }

    [Fact]
    public async Task A_half_made_cluster_is_made_again()
    {
        using var own = new ScratchFolder();
        Directory.CreateDirectory(own["postgres/data.unfinished/base"]);

        await using var postgres = await StartAsync(Options with { DataDirectory = own.Path });

        Assert.Equal("1", await AskAsync(postgres, "select '1'"));
    }

    [Fact]
    public async Task A_server_that_does_not_start_shows_the_end_of_its_log_and_holds_no_lock()
    {
        var options = Options with { Settings = new Dictionary<string, string> { ["work_mem"] = "much" } };

        var refused = await Assert.ThrowsAsync<DatabaseSetupException>(() => StartAsync(options));

        Assert.Contains("invalid value for parameter \"work_mem\": \"much\"", refused.Message, StringComparison.Ordinal);
        await using var postgres = await StartAsync();
        Assert.True(postgres.Started);
    }

    [Fact]
    public async Task Data_of_another_major_version_is_named()
    {
        using var own = new ScratchFolder();
        Directory.CreateDirectory(own["postgres/data"]);
        await File.WriteAllTextAsync(own["postgres/data/PG_VERSION"], "16\n");

        var refused = await Assert.ThrowsAsync<DatabaseSetupException>(
            () => StartAsync(Options with { DataDirectory = own.Path, SystemFolders = [] }));

        Assert.StartsWith($"The data in {own["postgres/data"]} was made by PostgreSQL 16, ", refused.Message, StringComparison.Ordinal);
    }

    private async Task<EmbeddedPostgres> StartAsync(EmbeddedPostgresOptions? options = null) =>
        await EmbeddedPostgres.StartAsync(options ?? Options, _ => { }, CancellationToken.None);

    private static Task<string?> AskAsync(EmbeddedPostgres postgres, string query) => AskAsync(postgres.ConnectionString, query);

    private static async Task<string?> AskAsync(string connectionString, string query)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(query, connection);
        return (string?)await command.ExecuteScalarAsync();
    }

    private Process StartAsTheServersUser(params string[] command)
    {
        var account = scratch["postgres/account"];
        string[] prefix = File.Exists(account) ? [.. UnixAccount.Choose(File.ReadAllText(account)).Prefix] : [];
        string[] all = [.. prefix, .. command];
        return Process.Start(new ProcessStartInfo(all[0], all.Skip(1)))!;
    }

    private static int SessionOf(int processId)
    {
        var stat = File.ReadAllText($"/proc/{processId}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3], CultureInfo.InvariantCulture);
    }
}
