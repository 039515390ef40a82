using System.Reflection;
using System.Xml.Linq;

namespace Modular.Architecture;

/// <summary>The code as it is on disk. Nothing is listed here: whoever adds a module adds nothing to the tests.</summary>
internal static class Solution
{
    public static readonly string Root = FindRoot();

    public static string Source { get; } = Path.Combine(Root, "src");

    /// <summary>Every module, by the folders under <c>src/Modules</c>.</summary>
    public static IReadOnlyList<string> Modules { get; } = Folders("Modules");

    /// <summary>What modules stand on, by the folders under <c>src/Kernel</c>.</summary>
    public static IReadOnlyList<string> Kernel { get; } = Folders("Kernel");

    public static Assembly Core(string module) => Assembly.Load($"Modular.{module}");

    public static Assembly Contracts(string module) => Assembly.Load($"Modular.{module}.Contracts");

    public static Assembly Host => Assembly.Load("Modular.Host");

    public static string CoreFolder(string module) => Path.Combine(Source, "Modules", module, module);

    public static string ContractsFolder(string module) => Path.Combine(Source, "Modules", module, $"{module}.Contracts");

    /// <summary>Every C# file below a folder, without what the build made.</summary>
    public static IEnumerable<SourceFile> Files(string folder) => Directory
        .EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(path => new SourceFile(Path.GetRelativePath(Root, path).Replace('\\', '/'), File.ReadAllText(path)));

    /// <summary>
    /// Names of the projects that a project file references, whether or not the compiler kept the reference. A pattern
    /// is resolved, as MSBuild does.
    /// </summary>
    public static IEnumerable<string> ProjectReferences(string folder, string projectFile) =>
        XDocument.Parse(projectFile).Descendants("ProjectReference")
            .SelectMany(reference => Expand(folder, reference.Attribute("Include")!.Value.Replace('\\', '/')))
            .Select(path => Path.GetFileNameWithoutExtension(path)!);

    public static string ProjectFile(string folder) => File.ReadAllText(Path.Combine(folder, $"{Path.GetFileName(folder)}.csproj"));

    private static IEnumerable<string> Expand(string folder, string include)
    {
        var star = include.IndexOf('*', StringComparison.Ordinal);
        if (star < 0)
            return [include];
        var fixedPart = Path.GetFullPath(Path.Combine(folder, include[..include.LastIndexOf('/', star)]));
        return Directory.EnumerateFiles(fixedPart, "*.csproj", SearchOption.AllDirectories);
    }

    private static List<string> Folders(string group) =>
        [.. Directory.EnumerateDirectories(Path.Combine(Source, group)).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!Directory.Exists(Path.Combine(folder.FullName, "src", "Modules")))
            folder = folder.Parent ?? throw new InvalidOperationException("No src/Modules above the test assembly.");
        return folder.FullName;
    }
}

/// <summary>A file of the repository: its path from the root, with slashes, and its text.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public int Lines => Text.Count(character => character == '\n');

    public int LineOf(int position) => Text.AsSpan(0, position).Count('\n') + 1;
}
