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
    private readonly Process _process;

    private DrillHost(TestDatabase database, MailSink mails, string[] settings)
    {
        (_database, _mails) = (database, mails);
        Secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
        _process = new Process { StartInfo = Start(settings) };
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

    public static async Task<DrillHost> StartAsync(params string[] settings)
    {
        var host = new DrillHost(await TestDatabase.CreateAsync(ownServer: true), new MailSink(), settings);
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
        _mails.Dispose();
        await _database.DisposeAsync();
    }

    private ProcessStartInfo Start(string[] settings)
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
                "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Information",
            },
            Environment =
            {
                ["DATABASE_URL"] = "", ["DATABASE_URL_UNPOOLED"] = "", ["ConnectionStrings__Modular"] = ConnectionString, ["Auth__Secret"] = Secret,
            },
        };
        foreach (var setting in settings)
            start.ArgumentList.Add(setting);
        return start;
    }

    private void Said(string? line)
    {
        const string Mark = "Now listening on: ";
        if (line is null)
            _listening.TrySetException(new InvalidOperationException($"The Host ended before it listened: {string.Join('\n', _log)}"));
        else if (line.IndexOf(Mark, StringComparison.Ordinal) is >= 0 and var at)
            _listening.TrySetResult(line[(at + Mark.Length)..].Trim());
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
