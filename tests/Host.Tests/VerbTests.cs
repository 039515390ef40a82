using System.CommandLine;
using System.Text.RegularExpressions;
using Modular.Host.CommandLine;

namespace Modular.Host.Tests;

/// <summary>Every command there is, found and not listed.</summary>
public sealed class VerbTests
{
    public static TheoryData<string> EveryVerb => [.. Verbs()];

    [Fact]
    public void There_are_those_that_operators_were_promised()
    {
        string[] promised =
        [
            "serve", "db migrate", "db validate", "db status", "db seed", "db backup", "db restore", "db reset", "users create-admin", "users list", "sessions stats",
            "sessions cleanup", "audit tail", "audit replay", "audit rebuild", "audit verify", "messages dead", "messages replay",
        ];
        Assert.Empty(promised.Except(Verbs()));
    }

    [Theory, MemberData(nameof(EveryVerb))]
    public async Task Each_explains_itself_and_its_options_without_a_database(string verb)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await Modular.Host.CommandLine.Verbs.Run([.. verb.Split(' '), "--help"], new Terminal(TextReader.Null, output, error, hasPerson: false));
        Assert.Equal((0, ""), (exitCode, error.ToString()));
        Assert.Contains("Usage:", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("--json", output.ToString(), StringComparison.Ordinal);
        var options = Find(verb).Options.Where(option => option.Name is not ("--help" or "--version")).ToList();
        Assert.All(options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), option.Name));
    }

    [Fact]
    public void The_page_lists_each_of_them_and_no_other()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "README.md")))
            folder = folder.Parent!;
        var page = File.ReadAllText(Path.Combine(folder.FullName, "docs", "command-line.md"));
        var table = page[page.IndexOf("| command |", StringComparison.Ordinal)..page.IndexOf("Filters of", StringComparison.Ordinal)];
        var listed = Regex.Matches(table, @"^\| `(?<verb>[a-z -]+)[^`]*` \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture)
            .Select(row => row.Groups["verb"].Value.Split(" --")[0].Trim()).Distinct();
        Assert.Equal(Verbs().Order(), listed.Order());
    }

    private static RootCommand Root() => Modular.Host.CommandLine.Verbs.Root(new CommandRunner([], new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null, hasPerson: false)));

    private static IEnumerable<string> Verbs() => Root().Subcommands.SelectMany(command => Leaves(command, command.Name));

    private static IEnumerable<string> Leaves(Command command, string name) =>
        command.Subcommands.Count == 0 ? [name] : command.Subcommands.SelectMany(sub => Leaves(sub, $"{name} {sub.Name}"));

    private static Command Find(string verb) => verb.Split(' ').Aggregate((Command)Root(), (command, name) => command.Subcommands.Single(sub => sub.Name == name));
}
