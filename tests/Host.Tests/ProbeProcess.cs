using System.Diagnostics;

namespace Modular.Host.Tests;

/// <summary>Another process with a server of the same data directory; see <see cref="EmbeddedPostgresProbe"/>.</summary>
internal sealed class ProbeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private ProbeProcess(Process process, string firstLine)
    {
        _process = process;
        Joined = firstLine.StartsWith("joined ", StringComparison.Ordinal);
        ConnectionString = firstLine[(firstLine.IndexOf(' ') + 1)..];
    }

    public bool Joined { get; }

    public string ConnectionString { get; }

    public static async Task<ProbeProcess> StartAsync(string dataDirectory)
    {
        var assembly = typeof(EmbeddedPostgresProbe).Assembly.Location;
        var start = new ProcessStartInfo(Environment.ProcessPath!, [assembly, "probe", dataDirectory])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        // The test runner's executable is not always the one that runs assemblies.
        if (Path.GetFileNameWithoutExtension(start.FileName) != "dotnet")
            start.FileName = "dotnet";
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(Limit);
        return new ProbeProcess(process, line ?? throw new InvalidOperationException("The probe ended without a word."));
    }

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limit);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Limit);
        _process.Dispose();
    }
}
