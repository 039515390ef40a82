using System.Globalization;
using System.Security.Cryptography;

namespace Modular.Host.Database;

/// <summary>A data directory and the tools of its version: made, started and stopped. To be used under the start lock.</summary>
internal sealed class PostgresCluster(PostgresFolders folders, PostgresBinaries binaries, EmbeddedPostgresOptions options)
{
    public const string Superuser = "modular";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const long LargestLog = 4 << 20;

    private string PortFile => Path.Combine(folders.Home, "port");

    public static int? MajorOf(PostgresFolders folders)
    {
        var file = Path.Combine(folders.Data, "PG_VERSION");
        return File.Exists(file) ? PostgresBinaries.MajorOf(File.ReadAllText(file).Trim()) : null;
    }

    /// <summary>Made beside its place and renamed, so that a half-made one is never taken for a cluster.</summary>
    public async Task CreateAsync(CancellationToken ct)
    {
        const string Unfinished = "data.unfinished";
        if (Directory.Exists(folders.Data))
            return;
        var target = Path.Combine(folders.Home, Unfinished);
        if (Directory.Exists(target))
            Directory.Delete(target, recursive: true);
        folders.CreateForServer(Unfinished);
        WritePassword();

        string[] locale = binaries.Major >= 17
            ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            : ["--locale=C", .. OperatingSystem.IsLinux() ? ["--lc-ctype=C.UTF-8"] : Array.Empty<string>()];
        var run = await RunAsync(
            "initdb",
            ["--pgdata", target, "--username", Superuser, "--pwfile", folders.PasswordFile, "--auth=scram-sha-256",
                "--encoding=UTF8", "--data-checksums", "--no-instructions", .. locale],
            ct);
        if (!run.Succeeded)
            throw new DatabaseSetupException($"PostgreSQL could not make its data directory in {target}: {run.LastLines()}");
        Directory.Move(target, folders.Data);
    }

    public async Task StartAsync(CancellationToken ct)
    {
        TrimLog();
        var since = TimeProvider.System.GetTimestamp();
        var port = LastPort() ?? options.ChoosePort();
        while (true)
        {
            var before = LogLength();
            // pg_ctl gives the server a session of its own, so that Ctrl-C in the Host's terminal does not reach it.
            // Not to be cancelled: a killed pg_ctl would take the half-started server with it.
            var run = await RunAsync(
                "pg_ctl",
                ["start", "--wait", "--timeout=20", "--pgdata", folders.Data, "--log", folders.Log, "--options", Settings(port)],
                CancellationToken.None);
            // Not ready yet is not failed: recovery after a crash takes as long as it takes.
            if (run.Succeeded || Postmaster.Find(folders.Data) is not null)
            {
                await File.WriteAllTextAsync(PortFile, port.ToString(CultureInfo.InvariantCulture), ct);
                return;
            }

            var log = LogSince(before);
            var isPortTaken = log.Contains("could not bind", StringComparison.Ordinal);
            // A backend of a killed server is still busy with its statement.
            var isInUse = log.Contains("pre-existing shared memory block", StringComparison.Ordinal);
            if (TimeProvider.System.GetElapsedTime(since) > Patience || !(isPortTaken || isInUse))
                throw new DatabaseSetupException($"PostgreSQL did not start: {LastLines(log) ?? run.LastLines()} (log: {folders.Log})");
            if (isPortTaken)
                port = options.ChoosePort();
            await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
        }
    }

    /// <summary>Fast: connections are ended, what they committed is kept.</summary>
    public async Task StopAsync(bool wait, CancellationToken ct)
    {
        var run = await RunAsync(
            "pg_ctl", ["stop", "--mode=fast", wait ? "--wait" : "--no-wait", "--timeout=60", "--pgdata", folders.Data], ct);
        if (!run.Succeeded && Postmaster.Find(folders.Data) is not null)
            throw new DatabaseSetupException($"PostgreSQL did not stop: {run.LastLines()}");
    }

    public string Password() => File.Exists(folders.PasswordFile)
        ? File.ReadAllText(folders.PasswordFile).Trim()
        : throw new DatabaseSetupException(
            $"The password of the embedded PostgreSQL is gone ({folders.PasswordFile}): restore that file, or remove {folders.Data} to start afresh.");

    private Task<ChildProcess> RunAsync(string tool, string[] arguments, CancellationToken ct) => ChildProcess.RunAsync(
        [.. folders.Account?.Prefix ?? [], binaries.Tool(tool), .. arguments], folders.Home, TimeSpan.FromMinutes(2), ct);

    private string Settings(int port)
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "127.0.0.1",
            ["port"] = port.ToString(CultureInfo.InvariantCulture),
            ["unix_socket_directories"] = "",
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
            ["log_checkpoints"] = "off",
            // Above ERROR: a refused statement is the caller's to report, and its detail may hold a person's data.
            ["log_min_messages"] = "log",
            ["jit"] = "off",
        };
        foreach (var (name, value) in options.Settings)
            settings[name] = value;
        return string.Join(' ', settings.Select(setting => $"-c {setting.Key}={setting.Value}"));
    }

    /// <summary>The same again if it is free: Hosts that outlived a killed server find the next one there.</summary>
    private int? LastPort() =>
        File.Exists(PortFile) && int.TryParse(File.ReadAllText(PortFile), CultureInfo.InvariantCulture, out var port) ? port : null;

    private void WritePassword()
    {
        File.Delete(folders.PasswordFile);
        var creation = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            creation.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new StreamWriter(folders.PasswordFile, creation))
            file.Write(RandomNumberGenerator.GetHexString(40, lowercase: true));
        folders.Account?.Own(folders.PasswordFile);
    }

    private long LogLength() => File.Exists(folders.Log) ? new FileInfo(folders.Log).Length : 0;

    private string LogSince(long position)
    {
        if (LogLength() <= position)
            return "";
        using var file = new FileStream(folders.Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = position;
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    private void TrimLog()
    {
        if (LogLength() > LargestLog)
            File.Move(folders.Log, folders.Log + ".1", overwrite: true);
    }

    private static string? LastLines(string log) => log.Length == 0 ? null : new ChildProcess(1, log).LastLines();
}
