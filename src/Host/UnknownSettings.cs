using System.Text.RegularExpressions;

namespace Modular.Host;

/// <summary>
/// Says at the start which settings nobody reads: a misspelt one would silently be the default. What there is to be read
/// says docs/configuration.md, which a test keeps complete and which travels inside the Host.
/// </summary>
internal static partial class UnknownSettings
{
    private static readonly Lazy<IReadOnlyList<string>> Known = new(Read);

    public static void WarnOfUnknownSettings(this WebApplication app)
    {
        foreach (var key in Find(app.Configuration.AsEnumerable().Where(pair => pair.Value is not null).Select(pair => pair.Key)))
            NobodyReads(app.Logger, key);
    }

    /// <summary>Those in sections of ours that are no setting.</summary>
    internal static IReadOnlyList<string> Find(IEnumerable<string> keys)
    {
        var sections = Known.Value.Select(key => key.Split(':')[0]).Distinct().ToHashSet(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. keys.Where(key => key.Contains(':') && sections.Contains(key.Split(':')[0]) && !Known.Value.Any(known => Covers(known, key)))
                .Order(StringComparer.Ordinal),
        ];
    }

    // What is below a setting is a list, or has names of its own (Auth:Providers:google:ClientId).
    private static bool Covers(string known, string key) =>
        key.Equals(known, StringComparison.OrdinalIgnoreCase) || key.StartsWith($"{known}:", StringComparison.OrdinalIgnoreCase);

    private static IReadOnlyList<string> Read()
    {
        using var text = new StreamReader(typeof(UnknownSettings).Assembly.GetManifestResourceStream("configuration.md")!);
        return
        [
            .. text.ReadToEnd().Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
                .SelectMany(line => Key().Matches(line.Split(" | ")[0]).Select(match => match.Groups[1].Value))
                .Where(key => !key.StartsWith("ConnectionStrings:", StringComparison.Ordinal) && !key.StartsWith("Logging:", StringComparison.Ordinal)),
        ];
    }

    [GeneratedRegex("`([A-Za-z]+(?::[A-Za-z]+)+)`")]
    private static partial Regex Key();

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Key} is no setting, and nobody reads it: is it misspelt? docs/configuration.md lists them all")]
    private static partial void NobodyReads(ILogger log, string key);
}
