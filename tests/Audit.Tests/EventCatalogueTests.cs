using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Audit.Tests;

public sealed class EventCatalogueTests(App app) : IClassFixture<App>
{
    /// <summary>Run with MODULAR_WRITE_DOCS=1 to write the file.</summary>
    [Fact]
    public async Task The_catalogue_of_events_says_what_the_modules_register()
    {
        var file = Path.Combine(Repository(), "docs", "events.md");
        var due = Catalogue(app.Services.GetRequiredService<EventCatalogue>().All);
        if (Environment.GetEnvironmentVariable("MODULAR_WRITE_DOCS") == "1")
            await File.WriteAllTextAsync(file, due);
        Assert.True(File.Exists(file) && await File.ReadAllTextAsync(file) == due,
            "docs/events.md is stale: MODULAR_WRITE_DOCS=1 dotnet test tests/Audit.Tests --filter EventCatalogueTests");
    }

    private static string Catalogue(IReadOnlyList<EventType> types)
    {
        var text = new StringBuilder("""
            # Events

            Everything the audit log can hold, by module and stored name. Written by `tests/Audit.Tests/EventCatalogueTests.cs`
            from what the modules register; every entry also has the members named in [audit.md](audit.md). Members marked with
            a lock 🔒 are personal data: stored encrypted with the subject's key, null once that is shredded.

            """);
        foreach (var module in types.GroupBy(type => type.Module))
        {
            text.Append('\n').Append("## ").Append(module.Key).Append("\n\n");
            text.Append("| stored name | outcome | members of `data` |\n| --- | --- | --- |\n");
            foreach (var type in module)
            {
                var outcome = type.IsOld ? "old revision, still read" : type.Outcome == EventOutcome.Refused ? "refused" : "success";
                text.Append("| `").Append(type.Name).Append("` | ").Append(outcome).Append(" | ")
                    .AppendJoin(", ", type.StoredAs.GetProperties()
                        .Where(property => property.GetMethod is { IsStatic: false } && property.Name != "EqualityContract")
                        .Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name))
                        .Select(name => type.PersonalMembers.Contains(name) ? $"`{name}` 🔒" : $"`{name}`"))
                    .Append(" |\n");
            }
        }

        return text.ToString();
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Modular.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("No Modular.sln above the test assembly.");
        return folder.FullName;
    }
}
