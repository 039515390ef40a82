namespace Modular.Architecture;

/// <summary>Budgets and names (STYLE §4, §7), over every file of the source.</summary>
public sealed class SourceRules
{
    private const int ProgramBudget = 60;
    private const int FileBudget = 400;

    private static IEnumerable<SourceFile> Source => Solution.Files(Solution.Source);

    [Fact]
    public void There_are_files_to_check() => Assert.NotEmpty(Source);

    [Fact]
    public void The_program_is_short() =>
        Assert.Empty(Rules.LongerThan(ProgramBudget, [.. Source.Where(file => file.Path == "src/Host/Program.cs")]));

    [Fact]
    public void No_file_grows_beyond_what_one_reads_at_once() => Assert.Empty(Rules.LongerThan(FileBudget, Source));

    [Fact]
    public void Nothing_has_a_name_that_says_nothing()
    {
        var types = Solution.Kernel.Select(System.Reflection.Assembly.Load)
            .Concat(Solution.Modules.Select(Solution.Core)).Concat(Solution.Modules.Select(Solution.Contracts)).Append(Solution.Host)
            .SelectMany(Binary.Written)
            .SelectMany(Binary.Family)
            .Where(type => !type.Name.Contains('<', StringComparison.Ordinal))
            .Select(type => type.FullName!);
        Assert.Empty(Rules.BannedIn(types.Concat(Source.Select(file => file.Path))));
    }

    [Fact]
    public void Nothing_is_left_for_later() =>
        Assert.Empty(Source.Concat(Solution.Files(Path.Combine(Solution.Root, "tests")).Where(file => !file.Path.StartsWith("tests/Architecture/", StringComparison.Ordinal)))
            .SelectMany(Rules.Leftovers));
}
