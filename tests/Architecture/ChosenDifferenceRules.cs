using System.Text.Json;

namespace Modular.Architecture;

/// <summary>
/// docs/better-auth.md explains exactly the differences from upstream that the replay of the recorded exchanges allows.
/// <c>MODULAR_WRITE_DOCS=1 dotnet test tests/Architecture --filter ChosenDifferenceRules</c> writes them anew.
/// </summary>
public sealed class ChosenDifferenceRules
{
    private const string Begin = "<!-- chosen differences: written from tests/protocol/replay/chosen-differences.json -->\n";
    private const string End = "<!-- end of chosen differences -->";

    private static readonly string Page = Path.Combine(Solution.Root, "docs", "better-auth.md");
    private static readonly string List = Path.Combine(Solution.Root, "tests", "protocol", "replay", "chosen-differences.json");

    [Fact]
    public void What_the_replay_allows_is_what_the_page_explains()
    {
        var page = File.ReadAllText(Page);
        var (from, to) = (page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, page.IndexOf(End, StringComparison.Ordinal));
        Assert.InRange(from, Begin.Length, to);
        var expected = Table();
        if (Environment.GetEnvironmentVariable("MODULAR_WRITE_DOCS") == "1")
            File.WriteAllText(Page, page[..from] + expected + page[to..]);
        else
            Assert.Equal(expected, page[from..to]);
    }

    private static string Table()
    {
        using var list = JsonDocument.Parse(File.ReadAllText(List));
        var rows = list.RootElement.EnumerateArray()
            .Select(entry => $"| {Text(entry, "name")} | {Text(entry, "what")} | {Text(entry, "why")} |\n").ToList();
        Assert.NotEmpty(rows);
        return $"| difference | what | why |\n| --- | --- | --- |\n{string.Concat(rows)}";
    }

    private static string Text(JsonElement entry, string name)
    {
        var text = entry.GetProperty(name).GetString()!;
        Assert.DoesNotContain('|', text);
        return text;
    }
}
