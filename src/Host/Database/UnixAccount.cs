using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Modular.Host.Database;

/// <summary>The user that PostgreSQL runs as when the Host is root, because PostgreSQL refuses to be.</summary>
internal sealed record UnixAccount(string Name, uint UserId, uint GroupId)
{
    private static readonly string[] Candidates = ["postgres", "nobody", "daemon", "www-data"];

    /// <summary>Same process id before and after: setpriv replaces itself by the command.</summary>
    public IReadOnlyList<string> Prefix =>
        [Setpriv, $"--reuid={UserId}", $"--regid={GroupId}", "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--"];

    private static string Setpriv { get; } =
        new[] { "/usr/bin/setpriv", "/bin/setpriv", "/usr/local/bin/setpriv" }.FirstOrDefault(File.Exists) ?? "setpriv";

    /// <summary>The one that already owns the data, else the first that exists.</summary>
    public static UnixAccount Choose(string? remembered)
    {
        var known = File.ReadLines("/etc/passwd")
            .Select(line => line.Split(':'))
            .Where(fields => fields.Length > 3 && fields[2] != "0")
            .ToLookup(fields => fields[0]);
        string[] names = remembered is null ? Candidates : [remembered];
        return names.SelectMany(name => known[name]).FirstOrDefault() is [var name, _, var user, var group, ..]
            ? new UnixAccount(name, uint.Parse(user, CultureInfo.InvariantCulture), uint.Parse(group, CultureInfo.InvariantCulture))
            : throw new DatabaseSetupException(
                $"PostgreSQL does not run as root and there is no user {string.Join(" or ", names)} to run it: "
                + "start the Host as an ordinary user, or set DATABASE_URL.");
    }

    public void Own(string path)
    {
        if (ChangeOwner(path, UserId, GroupId) != 0)
            throw new DatabaseSetupException(
                $"The folder of the embedded PostgreSQL cannot be given to the user {Name} ({path}): "
                + "start the Host as an ordinary user, or set DATABASE_URL.");
    }

    /// <summary>Nobody else may have prepared the folder that root takes binaries from.</summary>
    public static bool OwnsAlone(string folder)
    {
        if (OperatingSystem.IsWindows())
            return true;
        const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%u", folder]) { RedirectStandardOutput = true })!;
        return stat.StandardOutput.ReadToEnd().Trim() == "0"
            && new DirectoryInfo(folder).LinkTarget is null
            && (File.GetUnixFileMode(folder) & WritableByOthers) == 0;
    }

    [DllImport("libc", EntryPoint = "lchown", CharSet = CharSet.Ansi, SetLastError = true, BestFitMapping = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ChangeOwner([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);
}
