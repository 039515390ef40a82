using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Modular.Host.OpenApi;

/// <summary>
/// What the code says about a slice: its summary comment, from the documentation file beside the assembly. The first
/// sentence becomes the summary of its operation, the whole of it the description.
/// </summary>
internal static partial class Comments
{
    private static readonly ConcurrentDictionary<Assembly, Dictionary<string, string>> Read = new();

    /// <summary>What was said in code, where nothing was said at the route.</summary>
    public static (string? Summary, string? Description) Of(Type slice, string? summary, string? description)
    {
        if (!Read.GetOrAdd(slice.Assembly, Load).TryGetValue(slice.FullName!, out var comment))
            return (summary, description);
        var sentence = FirstSentence().Match(comment).Value;
        return (summary ?? sentence.TrimEnd('.'), description ?? (comment == sentence ? null : comment));
    }

    private static Dictionary<string, string> Load(Assembly assembly)
    {
        var file = Path.ChangeExtension(assembly.Location, ".xml");
        if (!File.Exists(file))
            return [];
        return XDocument.Load(file).Descendants("member")
            .Where(member => member.Attribute("name")!.Value.StartsWith("T:", StringComparison.Ordinal) && member.Element("summary") is not null)
            .ToDictionary(
                member => member.Attribute("name")!.Value[2..],
                // The route that many a summary names is said by the operation itself.
                member => Route().Replace(Text(member.Element("summary")!), ""));
    }

    private static string Text(XElement summary) => Spaces().Replace(
        string.Concat(summary.DescendantNodes().Select(node => node switch
        {
            XText text => text.Value,
            XElement { IsEmpty: true } reference => (reference.Attribute("cref") ?? reference.Attribute("langword"))?.Value.Split('.', ':')[^1] ?? "",
            _ => "",
        })),
        " ").Trim();

    [GeneratedRegex(@"^.*?(?:\.(?=\s|$)|$)", RegexOptions.CultureInvariant)]
    private static partial Regex FirstSentence();

    [GeneratedRegex(@"[:,]?\s*(?:GET|POST|PUT|PATCH|DELETE)\s+/[\w/{}.-]*\w}?", RegexOptions.CultureInvariant)]
    private static partial Regex Route();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
