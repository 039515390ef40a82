using System.Text.RegularExpressions;

namespace Modular.Architecture;

/// <summary>What documents say and what code reads, as data to compare.</summary>
internal static partial class Documents
{
    /// <summary>
    /// Keys of configuration that a source file reads: literals of the form <c>Section:Key</c>, names of the environment
    /// on lines that speak of configuration, and members of a section by <c>nameof</c>.
    /// </summary>
    public static IEnumerable<string> KeysRead(SourceFile file)
    {
        foreach (var literal in Literals.Of(file.Text))
        {
            if (SectionKey().IsMatch(literal.Text) || (EnvironmentKey().IsMatch(literal.Text) && SpeaksOfConfiguration(file.Text, literal.Position)))
                yield return literal.Text;
        }

        var section = Section().Match(file.Text).Groups["name"].Value;
        foreach (Match member in MemberOfSection().Matches(file.Text))
            yield return $"{section}:{member.Groups["name"].Value}";
    }

    /// <summary>Keys that a document explains: code in the first column of its tables.</summary>
    public static IEnumerable<string> KeysExplained(string markdown) => markdown.Split('\n')
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
        .SelectMany(line => Code().Matches(line.Split('|')[1]))
        .Select(code => code.Groups["text"].Value)
        .Where(key => !key.StartsWith("--", StringComparison.Ordinal));

    /// <summary>Links to files, relative to the document, that are not there.</summary>
    public static IEnumerable<string> BrokenLinks(string path, string markdown) => Link().Matches(markdown)
        .Select(link => link.Groups["target"].Value)
        .Where(target => !target.Contains("://", StringComparison.Ordinal))
        .Where(target => !Path.Exists(Path.Combine(Path.GetDirectoryName(path)!, target)))
        .Select(target => $"{Path.GetRelativePath(Solution.Root, path)} -> {target}");

    /// <summary>Files of the repository that a document names in code and that are not there.</summary>
    public static IEnumerable<string> MissingFiles(string path, string markdown) => Code().Matches(markdown)
        .Select(code => code.Groups["text"].Value)
        .Where(text => RepositoryPath().IsMatch(text) && !Path.Exists(Path.Combine(Solution.Root, text)))
        .Select(text => $"{Path.GetRelativePath(Solution.Root, path)} names {text}");

    private static bool SpeaksOfConfiguration(string source, int position)
    {
        var start = source.LastIndexOf('\n', position) + 1;
        var line = source[start..(source.IndexOf('\n', position) is >= 0 and var end ? end : source.Length)];
        return line.Contains("onfiguration", StringComparison.Ordinal) || line.Contains("Keys", StringComparison.Ordinal);
    }

    [GeneratedRegex("^[A-Z][A-Za-z]+(:[A-Z][A-Za-z]+)+$")]
    private static partial Regex SectionKey();

    [GeneratedRegex("^[A-Z][A-Z0-9]+(_[A-Z0-9]+)+$")]
    private static partial Regex EnvironmentKey();

    [GeneratedRegex("""section = configuration\.GetSection\("(?<name>\w+)"\)""")]
    private static partial Regex Section();

    [GeneratedRegex(@"section\.Get(Value|Section)\(nameof\((?<name>\w+)\)")]
    private static partial Regex MemberOfSection();

    [GeneratedRegex("`(?<text>[^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\((?<target>[^)#]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^(src|tests|docs|bench|\.ci)/[\w./-]+$")]
    private static partial Regex RepositoryPath();
}
