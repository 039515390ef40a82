using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary><c>users list</c> and <c>sessions …</c> beside a server.</summary>
public sealed class ListingTests(App app) : IClassFixture<App>
{
    private CommandLine Commands => new(app.ConnectionString);

    [Fact]
    public async Task Users_are_listed_a_page_at_a_time()
    {
        for (var n = 0; n < 5; n++)
            await SignUp($"user-{n}@page.example");
        var seen = new List<string?>();
        string? next = null;
        do
        {
            var page = await Commands.Run(["users", "list", "--search", "@page.example", "--limit", "2", "--json", .. next is null ? [] : new[] { "--after", next }]);
            Assert.True(page.ExitCode == 0, page.Error);
            seen.AddRange(page.Json.GetProperty("users").EnumerateArray().Select(user => user.GetProperty("email").GetString()));
            next = page.Json.GetProperty("next").GetString();
        }
        while (next is not null);

        Assert.Equal(Enumerable.Range(0, 5).Select(n => $"user-{n}@page.example"), seen);
        var text = await Commands.Run("users", "list", "--search", "@page.example", "--limit", "2");
        Assert.Equal(2, text.Lines.Count);
        Assert.Contains("  user  active  user-0@page.example  ", text.Lines[0], StringComparison.Ordinal);
        Assert.StartsWith("There are more: --after ", text.Error, StringComparison.Ordinal);
        Assert.Equal("Nobody.", Assert.Single((await Commands.Run("users", "list", "--role", "pm")).Lines));
    }

    [Theory]
    [InlineData("users", "list", "--limit", "0")]
    [InlineData("users", "list", "--role", "king")]
    [InlineData("users", "list", "--after", "yesterday")]
    [InlineData("sessions", "stats", "--days", "0")]
    [InlineData("sessions")]
    [InlineData("db", "seed", "--users", "many")]
    public async Task What_cannot_be_followed_ends_with_2(params string[] words) => Assert.Equal(2, (await Commands.Run(words)).ExitCode);

    [Theory]
    [InlineData("db", "seed")]
    [InlineData("users", "list")]
    [InlineData("sessions")]
    [InlineData("sessions", "stats")]
    [InlineData("sessions", "cleanup")]
    public async Task Each_explains_itself(params string[] words)
    {
        var result = await Commands.Run([.. words, "--help"]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("--json", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_are_counted_and_what_has_expired_is_ended()
    {
        await SignUp("stats@sessions.example");
        var stats = await Commands.Run("sessions", "stats", "--json");
        Assert.True(stats.ExitCode == 0, stats.Error);
        Assert.True(stats.Json.GetProperty("active").GetInt64() >= 1);
        Assert.Equal(14, stats.Json.GetProperty("byDay").GetArrayLength());
        Assert.Contains("live sessions of", (await Commands.Run("sessions", "stats", "--days", "1")).Output, StringComparison.Ordinal);

        await app.Sql("""
            update sessions.mt_doc_session s set expires_at = now() - interval '1 hour', data = jsonb_set(s.data, '{expiresAt}', to_jsonb(now() - interval '1 hour'))
            from identity.mt_doc_user u where u.id = s.user_id and u.email = 'stats@sessions.example'
            """);
        var cleaned = await Commands.Run("sessions", "cleanup", "--json");
        Assert.True(cleaned.ExitCode == 0, cleaned.Error);
        Assert.Equal(1, cleaned.Json.GetProperty("ended").GetInt64());
        Assert.Equal("0 sessions had expired and are ended.", Assert.Single((await Commands.Run("sessions", "cleanup")).Lines));
    }

    [Fact]
    public async Task A_database_that_was_not_migrated_is_said_so()
    {
        await using var empty = await TestDatabase.CreateAsync();
        foreach (var words in (string[][])[["users", "list"], ["sessions", "stats"], ["sessions", "cleanup"]])
        {
            var result = await new CommandLine(empty.ConnectionString).Run(words);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("run 'db migrate'", result.Error, StringComparison.Ordinal);
        }
    }

    private Task<ScenarioResult> SignUp(string email) =>
        app.Scenario(_ => _.Post.Json(new { name = "Ada", email, password = "correct horse battery" }).ToUrl("/api/auth/sign-up/email"));
}
