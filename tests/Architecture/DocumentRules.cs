namespace Modular.Architecture;

/// <summary>Documents say what is so (STYLE §5).</summary>
public sealed class DocumentRules
{
    private const int ReadmeBudget = 120;

    // The web framework reads these; no line of ours names them.
    private static readonly string[] OfTheFramework = ["ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT"];

    public static TheoryData<string> EveryDocument =>
        [.. AllDocuments().Select(path => Path.GetRelativePath(Solution.Root, path)).Order(StringComparer.Ordinal)];

    private static string Configuration => File.ReadAllText(Path.Combine(Solution.Root, "docs", "configuration.md"));

    private static HashSet<string> KeysRead => [.. Solution.Files(Solution.Source).SelectMany(Documents.KeysRead)];

    [Fact]
    public void Every_key_that_is_read_is_explained()
    {
        Assert.NotEmpty(KeysRead);
        Assert.Empty(KeysRead.Except(Documents.KeysExplained(Configuration)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_key_that_is_explained_is_read() =>
        Assert.Empty(Documents.KeysExplained(Configuration).Except(KeysRead).Except(OfTheFramework));

    [Theory, MemberData(nameof(EveryDocument))]
    public void A_document_points_at_what_is_there(string document)
    {
        var path = Path.Combine(Solution.Root, document);
        var markdown = File.ReadAllText(path);
        Assert.Empty(Documents.BrokenLinks(path, markdown));
        Assert.Empty(Documents.MissingFiles(path, markdown));
    }

    [Fact]
    public void A_decision_says_what_keeps_it_and_is_in_the_index()
    {
        var folder = Path.Combine(Solution.Root, "docs", "decisions");
        var index = File.ReadAllText(Path.Combine(folder, "README.md"));
        Assert.All(Directory.EnumerateFiles(folder, "0*.md"), path =>
        {
            Assert.Contains("*Kept by:*", File.ReadAllText(path), StringComparison.Ordinal);
            Assert.Contains($"({Path.GetFileName(path)})", index, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void The_readme_is_short() =>
        Assert.True(File.ReadLines(Path.Combine(Solution.Root, "README.md")).Count() < ReadmeBudget);

    private static IEnumerable<string> AllDocuments() => Directory
        .EnumerateFiles(Path.Combine(Solution.Root, "docs"), "*.md", SearchOption.AllDirectories)
        .Append(Path.Combine(Solution.Root, "README.md"));
}
