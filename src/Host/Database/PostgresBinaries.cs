using System.Globalization;

namespace Modular.Host.Database;

/// <summary>A folder with <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c> of one version.</summary>
internal sealed record PostgresBinaries(string Folder, string Version)
{
    private const int OldestMajor = 15;

    private static readonly string[] Tools = ["initdb", "pg_ctl", "postgres"];

    public int Major => MajorOf(Version);

    public string Tool(string name) => Path.Combine(Folder, OperatingSystem.IsWindows() ? name + ".exe" : name);

    public static int MajorOf(string version) => int.Parse(version.Split('.', '-')[0], CultureInfo.InvariantCulture);

    /// <summary>The package, else what the machine has; <paramref name="major"/> is what an existing data directory asks for.</summary>
    public static async Task<PostgresBinaries> FindAsync(
        EmbeddedPostgresOptions options, PostgresFolders folders, int? major, Action<string> say, CancellationToken ct)
    {
        var package = PostgresPackage.ForThisMachine is { } own && (major is null || major == own.Major) ? own : null;
        if (package?.Installed(folders.Caches) is { } installed)
            return installed;

        var why = package is null ? "there is no package of it for this machine" : "npm was not found";
        if (package is not null && ChildProcess.Find("npm", options.SearchPath) is { } npm)
        {
            try
            {
                return await package.InstallAsync(npm, folders, say, ct);
            }
            catch (DatabaseSetupException e)
            {
                why = e.Message.TrimEnd('.');
            }
        }

        var usable = await OfMachineAsync(options, ct);
        if (usable.FirstOrDefault(found => major is null || found.Major == major) is not { } system)
            throw Missing(folders, major, why);
        say($"Using PostgreSQL {system.Version} of this machine ({system.Folder}): "
            + (major is null ? why : $"the data in {folders.Data} was made by version {major}"));
        return system;
    }

    /// <summary>Null where a tool is missing or does not run.</summary>
    public static async Task<PostgresBinaries?> InAsync(string folder, CancellationToken ct)
    {
        var binaries = new PostgresBinaries(folder, "0");
        if (!Tools.All(tool => File.Exists(binaries.Tool(tool))))
            return null;
        var run = await ChildProcess.RunAsync([binaries.Tool("postgres"), "--version"], folder, TimeSpan.FromSeconds(10), ct);
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        return run.Succeeded && run.Output.Split(' ', StringSplitOptions.TrimEntries) is [_, _, var version, ..]
            && char.IsAsciiDigit(version[0])
                ? binaries with { Version = new string([.. version.TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]) }
                : null;
    }

    private static async Task<List<PostgresBinaries>> OfMachineAsync(EmbeddedPostgresOptions options, CancellationToken ct)
    {
        var folders = new List<string>(options.SearchPath.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        var versions = new List<PostgresBinaries>();
        foreach (var folder in options.SystemFolders.Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories))
        {
            if (await InAsync(Path.Combine(folder, "bin"), ct) is { } version)
                versions.Add(version);
        }

        var found = new List<PostgresBinaries>();
        foreach (var folder in folders)
        {
            if (await InAsync(folder, ct) is { } inPath)
                found.Add(inPath);
        }

        found.AddRange(versions.OrderByDescending(version => version.Major));
        if (ChildProcess.Find("pg_config", options.SearchPath) is { } config
            && await ChildProcess.RunAsync([config, "--bindir"], Path.GetTempPath(), TimeSpan.FromSeconds(10), ct) is { Succeeded: true } bin
            && await InAsync(bin.Output.Trim(), ct) is { } configured)
            found.Add(configured);
        return [.. found.Where(binaries => binaries.Major >= OldestMajor)];
    }

    private static DatabaseSetupException Missing(PostgresFolders folders, int? major, string why)
    {
        if (major is { } asked && asked != PostgresPackage.ForThisMachine?.Major)
            return new($"The data in {folders.Data} was made by PostgreSQL {asked}, whose binaries are not on this machine: "
                + $"install PostgreSQL {asked}, set Modular:DataDirectory to another folder, or set DATABASE_URL.");
        return new($"There is no PostgreSQL to start ({why}): install Node.js with npm, or PostgreSQL {major ?? OldestMajor}"
            + (major is null ? " or newer" : "") + ", or set DATABASE_URL.");
    }
}
