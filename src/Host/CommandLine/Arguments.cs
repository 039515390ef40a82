using System.Text.RegularExpressions;

namespace Modular.Host.CommandLine;

/// <summary>
/// A command line, sorted: settings (<c>--Auth:BaseUrl=…</c>, <c>--DATABASE_URL …</c>, <c>--urls …</c>) go to the
/// configuration wherever they stand, what is left is the verb with its own arguments. So a mistyped option of a verb is
/// an error and not a setting that nobody reads.
/// </summary>
internal sealed partial record Arguments(string[] Settings, string[] Words)
{
    private const string ServeVerb = "serve";

    private static readonly string[] Help = ["--help", "-h", "-?", "/?", "/h", "--version"];

    /// <summary>No verb means the server, which takes any <c>--key=value</c> as a setting.</summary>
    public bool IsServe => !Words.Any(Help.Contains) && (Words.Length == 0 || Words[0] == ServeVerb || Words[0].StartsWith('-'));

    public static Arguments Sort(string[] args)
    {
        var (settings, words) = (new List<string>(), new List<string>());
        for (var at = 0; at < args.Length; at++)
        {
            if (!Setting().IsMatch(args[at]))
            {
                words.Add(args[at]);
                continue;
            }

            settings.Add(args[at]);
            if (!args[at].Contains('=') && at + 1 < args.Length)
                settings.Add(args[++at]);
        }

        return new([.. settings], [.. words]);
    }

    /// <summary>What the server is started with.</summary>
    public static string[] WithoutVerb(string[] args)
    {
        var verb = Array.IndexOf(args, ServeVerb);
        return verb < 0 ? args : [.. args[..verb], .. args[(verb + 1)..]];
    }

    [GeneratedRegex(@"^--(?:[\w.]+(?::[\w.]+)+|[A-Z][A-Z0-9_]+|urls|environment|contentRoot|applicationName)(?:=|$)", RegexOptions.CultureInvariant)]
    private static partial Regex Setting();
}
