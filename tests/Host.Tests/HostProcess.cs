using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Modular.Testing;
using Npgsql;

namespace Modular.Host.Tests;

/// <summary>The Host as a process of its own, over a database of the test, so that it can be killed.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _said;

    private HostProcess(Process process, string url, ConcurrentQueue<string> said)
    {
        _process = process;
        _said = said;
        Url = url;
    }

    /// <summary>Everything that it has written so far.</summary>
    public string Log => string.Join('\n', _said);

    /// <summary>Where it listens.</summary>
    public string Url { get; }

    public static async Task<HostProcess> StartAsync(string connectionString, params string[] settings)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "Modular.Host.dll"),
                "--environment", "Development",
                "--urls", "http://127.0.0.1:0",
                "--Auth:Secret=a secret for tests, long enough to be one",
                "--Auth:PasswordIterations=1000",
                "--Logging:LogLevel:Default=Warning",
                "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Information",
            },
        };
        foreach (var (key, value) in Pooler.Settings(connectionString))
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        foreach (var setting in settings)
            start.ArgumentList.Add(setting);
        var process = new Process { StartInfo = start };
        var said = new ConcurrentQueue<string>();
        var listening = ListeningAddress(process, said);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            return new HostProcess(process, await listening.WaitAsync(Limit), said);
        }
        catch
        {
            // A Host that nobody holds would outlive the test.
            process.Kill();
            throw;
        }
    }

    /// <summary>SIGKILL: no handler runs, no connection is closed in order.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limit);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    // Read to the end, or the pipe fills up and the Host stands still.
    private static Task<string> ListeningAddress(Process process, ConcurrentQueue<string> said)
    {
        const string Mark = "Now listening on: ";
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        process.OutputDataReceived += (_, line) =>
        {
            said.Enqueue(line.Data ?? "");
            if (line.Data is null)
                listening.TrySetException(new InvalidOperationException($"The Host ended before it listened: {string.Join('\n', said)}"));
            else if (line.Data.IndexOf(Mark, StringComparison.Ordinal) is >= 0 and var at)
                listening.TrySetResult(line.Data[(at + Mark.Length)..].Split('"', ' ')[0]);
        };
        return listening.Task;
    }
}

/// <summary>Single numbers from a database.</summary>
internal sealed class Numbers(string connectionString) : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create($"{connectionString};Maximum Pool Size=2");

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    public async Task<long> Of(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }
}
