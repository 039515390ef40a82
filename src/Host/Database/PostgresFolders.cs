using System.Security.Cryptography;
using System.Text;

namespace Modular.Host.Database;

/// <summary>
/// Where a cluster lives. Root's own folders are closed to the account that runs the server, so as root the default
/// data directory and the binaries move to a place that every user can reach.
/// </summary>
internal sealed record PostgresFolders(string Home, IReadOnlyList<string> Caches, UnixAccount? Account)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readable = UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Traversable = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const string ForRoot = "/var/lib/modular";

    public string Data => Path.Combine(Home, "data");
    public string Log => Path.Combine(Data, "server.log");
    public string PasswordFile => Path.Combine(Home, "password");
    public string StartLock => Path.Combine(Home, "start.lock");
    public string HostsLock => Path.Combine(Home, "hosts.lock");

    public static PostgresFolders Resolve(EmbeddedPostgresOptions options, Action<string> say)
    {
        var wanted = RealPath(Path.Combine(options.ContentRoot, options.DataDirectory ?? ".modular"));
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess)
        {
            var own = CreateHome(Path.Combine(wanted, "postgres"), Private);
            return new(own, [options.CacheDirectory ?? UserCache(own), Path.Combine(own, "binaries")], null);
        }

        var home = options.DataDirectory is not null && IsReachable(wanted) ? Path.Combine(wanted, "postgres") : Moved(wanted);
        CreateHome(home, Private | Readable | Traversable);
        var account = UnixAccount.Choose(Remembered(home));
        File.WriteAllText(Path.Combine(home, "account"), account.Name);
        say($"Running as root: PostgreSQL runs as the user {account.Name} in {home}");
        var cache = options.CacheDirectory is { } asked && IsReachable(asked) ? asked : Path.Combine(RootFolder(), "binaries");
        return new(home, [cache, Path.Combine(home, "binaries")], account);
    }

    /// <summary>A folder for the server's account alone, empty.</summary>
    public string CreateForServer(string name)
    {
        var path = Create(Path.Combine(Home, name), Private);
        Account?.Own(path);
        return path;
    }

    public static string CreateCache(string path) =>
        Create(path, Environment.IsPrivilegedProcess ? Private | Readable | Traversable : Private);

    /// <summary>Whatever umask root has: the account must read what root installed.</summary>
    public static void OpenToAll(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | Readable | Traversable);
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            if (entry.LinkTarget is null)
                entry.UnixFileMode |= Readable | (entry.UnixFileMode.HasFlag(UnixFileMode.UserExecute) ? Traversable : 0);
        }
    }

    private static string Moved(string wanted)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wanted)))[..12];
        var project = Path.GetFileName(Path.GetDirectoryName(wanted)) is { Length: > 0 } name ? name : "data";
        return Path.Combine(RootFolder(), $"{project}-{hash}");
    }

    private static string RootFolder()
    {
        foreach (var candidate in new[] { ForRoot, Path.Combine(Path.GetTempPath(), "modular-root") })
        {
            try
            {
                Create(candidate, Private | Readable | Traversable);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            if (IsReachable(candidate) && UnixAccount.OwnsAlone(candidate))
                return candidate;
        }

        throw new DatabaseSetupException(
            $"PostgreSQL does not run as root and neither {ForRoot} nor {Path.GetTempPath()} can hold its files: "
            + "set Modular:DataDirectory to a folder that other users can reach, or set DATABASE_URL.");
    }

    private static string CreateHome(string path, UnixFileMode mode)
    {
        try
        {
            return Create(path, mode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatabaseSetupException(
                $"The folder {path} cannot be written, so the embedded PostgreSQL cannot keep its data there: "
                + "set Modular:DataDirectory to another one, or set DATABASE_URL.", e);
        }
    }

    private static string Create(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows() || Directory.Exists(path))
            return Directory.CreateDirectory(path).FullName;
        if (Path.GetDirectoryName(path) is { Length: > 0 } parent)
            Create(parent, mode);
        var folder = Directory.CreateDirectory(path, mode).FullName;
        // The mode of the call was cut down by the umask.
        File.SetUnixFileMode(folder, mode);
        return folder;
    }

    private static string? Remembered(string home)
    {
        var file = Path.Combine(home, "account");
        return File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } name ? name : null;
    }

    private static bool IsReachable(string path)
    {
        if (OperatingSystem.IsWindows())
            return true;
        for (var folder = new DirectoryInfo(Path.GetFullPath(path)); folder is not null; folder = folder.Parent)
        {
            if (folder.Exists && !folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                return false;
        }

        return true;
    }

    private static string UserCache(string otherwise)
    {
        var folder = OperatingSystem.IsWindows()
            ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
                ? cache
                : Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home
                    ? Path.Combine(home, OperatingSystem.IsMacOS() ? "Library/Caches" : ".cache")
                    : "";
        return folder is "" ? Path.Combine(otherwise, "binaries") : Path.Combine(folder, "modular", "postgres");
    }

    /// <summary>One name for one folder: the server's command line is recognised by it.</summary>
    private static string RealPath(string path)
    {
        path = Path.GetFullPath(path);
        var real = Path.GetPathRoot(path)!;
        foreach (var part in path[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            real = Path.Combine(real, part);
            if (new DirectoryInfo(real) is { LinkTarget: not null } link)
                real = RealPath(link.ResolveLinkTarget(returnFinalTarget: true)!.FullName);
        }

        return real;
    }
}
