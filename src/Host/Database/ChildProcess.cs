using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Modular.Host.Database;

/// <summary>A command run to its end, with what it printed.</summary>
internal sealed record ChildProcess(int ExitCode, string Output)
{
    public bool Succeeded => ExitCode == 0;

    public string LastLines(int count = 5) => string.Join(" | ", Output
        .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .TakeLast(count));

    public static async Task<ChildProcess> RunAsync(
        IReadOnlyList<string> command, string folder, TimeSpan limit, CancellationToken ct)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Their messages are read here, and a user's locale may not exist for the binaries.
        start.Environment["LC_ALL"] = "C";

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(limit);
        using var process = Start(start);
        process.StandardInput.Close();
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            return new ChildProcess(-1, $"{output}\ngiven up after {limit.TotalSeconds} s");
        }

        return new ChildProcess(process.ExitCode, output.ToString());

        void Keep(string? line)
        {
            lock (output)
                output.AppendLine(line);
        }
    }

    /// <summary>The first file of that name on a search path.</summary>
    public static string? Find(string name, string searchPath) => searchPath
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .SelectMany(folder => OperatingSystem.IsWindows()
            ? new[] { Path.Combine(folder, name + ".cmd"), Path.Combine(folder, name + ".exe") }
            : [Path.Combine(folder, name)])
        .FirstOrDefault(File.Exists);

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new DatabaseSetupException($"The command {start.FileName} cannot be run: {e.Message}.", e);
        }
    }
}
