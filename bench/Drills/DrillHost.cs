using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Modular.Testing;
using Npgsql;

namespace Modular.Drills;

/// <summary>
/// The Host as a process of its own, as in production: over a fresh PostgreSQL on a fresh data directory, with the real
/// cost of a password and a mail server that takes everything.
/// </summary>
internal sealed class DrillHost : IAsyncDisposable
{
    private static readonly TimeSpan TimeToStart = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan TimeToStop = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource<string> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TestDatabase _database;
    private readonly MailSink _mails;
    private readonly DrillHost? _first;
    private readonly Process _process;

    private DrillHost(TestDatabase database, MailSink mails, DrillHost? first, IPEndPoint? direct, string[] settings)
    {
        (_database, _mails, _first) = (database, mails, first);
        Secret = first?.Secret ?? Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
        _process = new Process { StartInfo = Start(direct, settings) };
        // Read to the end, or the pipe fills up and the Host stands still.
        _process.OutputDataReceived += (_, line) => Said(line.Data);
        _process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
    }

    /// <summary>Where it listens, without a trailing slash.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Its <c>Auth:Secret</c>.</summary>
    public string Secret { get; }

    public string ConnectionString => _database.ConnectionString;

    /// <summary>What it logged as an error or worse, first lines only, and whatever it wrote as it died.</summary>
    public IEnumerable<string> Faults => _log.Where(line => line.StartsWith("fail:", StringComparison.Ordinal)
        || line.StartsWith("crit:", StringComparison.Ordinal) || line.Contains("Unhandled exception", StringComparison.Ordinal));

    public IReadOnlyCollection<string> Log => _log;

    /// <summary>Mails taken so far.</summary>
    public int Mails => _mails.Taken;

    /// <summary>Id of its process.</summary>
    public int ProcessId => _process.Id;

    public static async Task<DrillHost> StartAsync(params string[] settings) =>
        await Started(new DrillHost(await TestDatabase.CreateAsync(ownServer: true), new MailSink(), null, null, settings));

    /// <summary>What every process of PostgreSQL has taken, as far as it still lives.</summary>
    public TimeSpan DatabaseProcessorTime()
    {
        using var connection = new NpgsqlConnection(ConnectionString);
        connection.Open();
        var postmaster = StatOf($"{connection.ProcessID}").Parent;
        return Process.GetProcesses().Select(process => process.Id).Where(id => id == postmaster || StatOf($"{id}").Parent == postmaster)
            .Aggregate(TimeSpan.Zero, (sum, id) => sum + StatOf($"{id}").Used);
    }

    /// <summary>What its threads of this name have taken.</summary>
    public TimeSpan ProcessorTimeOf(string threads) => Directory.EnumerateDirectories($"/proc/{ProcessId}/task")
        .Where(task => File.ReadAllText(Path.Combine(task, "comm")).Trim() == threads)
        .Aggregate(TimeSpan.Zero, (sum, task) => sum + StatOf($"{ProcessId}/task/{Path.GetFileName(task)}").Used);

    /// <summary>Another node over the same database; the caller disposes it first.</summary>
    /// <param name="direct">Where its direct connections go instead, such as a way that can be cut; null: straight to the database.</param>
    public Task<DrillHost> AnotherNode(IPEndPoint? direct, params string[] settings) =>
        Started(new DrillHost(_database, _mails, this, direct, settings));

    /// <summary>Stops PostgreSQL and starts it again, as an upgrade of it would.</summary>
    /// <param name="down">Runs while there is none.</param>
    public Task RestartDatabase(Func<Task> down) => _database.RestartServer(down);

    private static async Task<DrillHost> Started(DrillHost host)
    {
        try
        {
            host._process.Start();
            host._process.BeginOutputReadLine();
            host._process.BeginErrorReadLine();
            host.Url = await host._listening.Task.WaitAsync(TimeToStart);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>What no request can do, such as banning without an administrator.</summary>
    public async Task Sql(string sql, string[] list)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = list });
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } running)
        {
            Process.Start("kill", ["-TERM", running.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]).Dispose();
            using var patience = new CancellationTokenSource(TimeToStop);
            try
            {
                await running.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                running.Kill();
            }
        }

        _process.Dispose();
        if (_first is not null)
            return;
        _mails.Dispose();
        await _database.DisposeAsync();
    }

    private ProcessStartInfo Start(IPEndPoint? direct, string[] settings)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "Modular.Host.dll"),
                "--environment", "Production",
                "--urls", "http://127.0.0.1:0",
                $"--Smtp:Host=127.0.0.1", $"--Smtp:Port={_mails.Port}", "--Smtp:Tls=false", "--Smtp:From=no-reply@example.com",
                "--Logging:LogLevel:Default=Warning",
                // As people read it: what it complained of is told by lines.
                "--Logging:Console:FormatterName=simple",
                "--Logging:Console:FormatterOptions:IncludeScopes=false",
                "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Information",
            },
            Environment =
            {
                ["DATABASE_URL"] = "", ["DATABASE_URL_UNPOOLED"] = "", ["ConnectionStrings__Modular"] = ConnectionString, ["Auth__Secret"] = Secret,
            },
        };
        if (direct is not null)
        {
            start.Environment["DATABASE_URL"] = ToUri(ConnectionString, null);
            start.Environment["DATABASE_URL_UNPOOLED"] = ToUri(ConnectionString, direct);
        }

        foreach (var setting in settings)
            start.ArgumentList.Add(setting);
        return start;
    }

    // proc(5): the name may hold anything, so fields are counted from its closing bracket; times are in hundredths of a second.
    private static (int Parent, TimeSpan Used) StatOf(string id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ').Select(field => long.TryParse(field, out var number) ? number : 0).ToArray();
            return ((int)fields[1], TimeSpan.FromMilliseconds(10 * (fields[11] + fields[12])));
        }
        catch (IOException)
        {
            return default;
        }
    }

    private static string ToUri(string connectionString, IPEndPoint? elsewhere)
    {
        var address = new NpgsqlConnectionStringBuilder(connectionString);
        var at = elsewhere?.ToString() ?? $"{address.Host}:{address.Port}";
        return $"postgres://{address.Username}:{Uri.EscapeDataString(address.Password!)}@{at}/{address.Database}?sslmode=disable";
    }

    private void Said(string? line)
    {
        const string Mark = "Now listening on: ";
        if (line is null)
            _listening.TrySetException(new InvalidOperationException($"The Host ended before it listened: {string.Join('\n', _log)}"));
        else if (line.IndexOf(Mark, StringComparison.Ordinal) is >= 0 and var at)
            _listening.TrySetResult(line[(at + Mark.Length)..].Split('"', ' ')[0]);
        else
            _log.Enqueue(line);
    }
}

/// <summary>A mail server that takes every mail and keeps none.</summary>
internal sealed class MailSink : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private int _taken;

    public MailSink()
    {
        _listener.Start();
        _ = Serve();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Taken => Volatile.Read(ref _taken);

    public void Dispose() => _listener.Dispose();

    private async Task Serve()
    {
        try
        {
            while (true)
                _ = Talk(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The drill is over.
        }
    }

    private async Task Talk(TcpClient client)
    {
        using var _ = client;
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { NewLine = "\r\n", AutoFlush = true };
        try
        {
            await writer.WriteLineAsync("220 drill");
            var inMail = false;
            while (await reader.ReadLineAsync() is { } line)
            {
                if (inMail && line != ".")
                    continue;
                if (inMail)
                    Interlocked.Increment(ref _taken);
                var begins = !inMail && line.StartsWith("DATA", StringComparison.OrdinalIgnoreCase);
                inMail = begins;
                await writer.WriteLineAsync(begins ? "354 go on" : line.StartsWith("QUIT", StringComparison.OrdinalIgnoreCase) ? "221 bye" : "250 ok");
            }
        }
        catch (IOException)
        {
            // Whoever sent it is gone.
        }
    }
}
