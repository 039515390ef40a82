using System.Diagnostics;
using System.Globalization;

namespace Modular.Host.Database;

/// <summary>A running server, as <c>postmaster.pid</c> in its data directory describes it.</summary>
internal sealed record Postmaster(int ProcessId, int Port, string Status)
{
    public bool IsReady => Status == "ready";

    /// <summary>
    /// The server of this data directory, or none. A file that a dead server left is removed when its process id is
    /// taken, by a zombie or by a stranger: PostgreSQL would refuse to start as long as that process lives. One whose
    /// process id is free stays, because PostgreSQL then checks by it that no orphaned backend still writes here.
    /// To be called under the lock.
    /// </summary>
    public static Postmaster? Find(string data)
    {
        if (Read(data) is not { } found)
            return null;
        switch (StateOf(found.ProcessId, data))
        {
            case ProcessState.Postmaster:
                return found;
            case ProcessState.Gone:
                return null;
            default:
                File.Delete(PidFile(data));
                return null;
        }
    }

    public static Postmaster? Read(string data)
    {
        try
        {
            var lines = File.ReadAllLines(PidFile(data));
            return lines.Length > 0 && int.TryParse(lines[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out var pid)
                ? new Postmaster(
                    Math.Abs(pid),
                    lines.Length > 3 ? int.Parse(lines[3], CultureInfo.InvariantCulture) : 0,
                    lines.Length > 7 ? lines[7].Trim() : "starting")
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public static string PidFile(string data) => Path.Combine(data, "postmaster.pid");

    private static ProcessState StateOf(int pid, string data)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            if (OperatingSystem.IsLinux())
                return StateOnLinux(pid, data);
            if (OperatingSystem.IsWindows())
                return process.ProcessName == "postgres" ? ProcessState.Postmaster : ProcessState.Stranger;
            return Is(CommandLine(pid), data) ? ProcessState.Postmaster : ProcessState.Stranger;
        }
        catch (Exception e) when (e is ArgumentException or IOException or InvalidOperationException)
        {
            return ProcessState.Gone;
        }
    }

    /// <summary>A zombie keeps its id until its parent asks for it, which in a container may take seconds.</summary>
    private static ProcessState StateOnLinux(int pid, string data)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        if (stat[(stat.LastIndexOf(')') + 2)..] is ['Z' or 'X', ..])
            return ProcessState.Stranger;
        // Not the link /proc/PID/cwd: in a container not even root may read that of another user's process.
        return Is(File.ReadAllText($"/proc/{pid}/cmdline").Split('\0'), data) ? ProcessState.Postmaster : ProcessState.Stranger;
    }

    private static bool Is(string[] command, string data) =>
        Path.GetFileNameWithoutExtension(command[0]) == "postgres" && command.Contains(data);

    private static string[] CommandLine(int pid)
    {
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-ww", "-o", "command=", "-p", $"{pid}"]) { RedirectStandardOutput = true })!;
        var line = ps.StandardOutput.ReadToEnd();
        return [line.Split(' ')[0], .. line.Split(" -D ") is [_, var rest, ..] ? [rest.Split(" -c ")[0].Trim()] : Array.Empty<string>()];
    }

    private enum ProcessState
    {
        Gone,
        Stranger,
        Postmaster,
    }
}
