using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Identity.Contracts;
using Modular.Store;
using Modular.Testing;

namespace Modular.Profiles.Tests;

public sealed class OwnProfileOverHttp(App app) : IClassFixture<App>
{
    private static readonly string[] WithOneWrong = ["en", "no language"];

    private static int made;

    private static readonly object Full = new
    {
        displayName = "Ada",
        headline = "Mathematician",
        biography = "Notes.",
        languages = new[] { "en", "fr" },
        timeZone = "Europe/London",
        visibility = "members",
    };

    [Fact]
    public async Task A_new_user_gets_a_private_and_empty_profile()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        var result = await Read(ada);
        Assert.Equal(("\"1\"", "no-store"), (result.Header("ETag"), result.Header("Cache-Control")));
        var at = result.Json().GetProperty("updatedAt").GetRawText();
        Assert.StartsWith(
            $$"""{"userId":"{{id}}","name":"Ada","displayName":null,"headline":null,"biography":null,"languages":[],"timeZone":null,"image":null,"visibility":"private","roles":["user"],"mentor":null,"mentee":null,"availability":null,"version":1,"updatedAt":{{at}},"email":"ada.""",
            result.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Before_the_message_has_arrived_there_is_an_empty_profile_of_version_0()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        await Forget(id);
        var result = await Read(ada);
        Assert.Equal("\"0\"", result.Header("ETag"));
        Assert.Equal((0, JsonValueKind.Null), (result.Json().GetProperty("version").GetInt32(), result.Json().GetProperty("updatedAt").ValueKind));

        // It can be filled in at once; the message then finds it opened.
        await Update(ada, Full, ifMatch: "\"0\"");
        await Deliver(new UserRegistered(id, DateTimeOffset.UtcNow));
        Assert.Equal(["profile.opened.1", "profile.updated.1"], await Events(id));
    }

    [Fact]
    public async Task An_update_replaces_the_profile_and_answers_the_new_version()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        var result = await Update(ada, Full, ifMatch: "\"1\"");
        Assert.Equal("\"2\"", result.Header("ETag"));
        Assert.StartsWith(
            $$"""{"userId":"{{id}}","name":"Ada","displayName":"Ada","headline":"Mathematician","biography":"Notes.","languages":["en","fr"],"timeZone":"Europe/London","image":null,"visibility":"members",""",
            result.Body, StringComparison.Ordinal);
        Assert.Equal(result.Body, (await Read(ada)).Body);

        var cleared = (await Update(ada, new { displayName = "Ada" })).Json();
        Assert.Equal((JsonValueKind.Null, "private"), (cleared.GetProperty("biography").ValueKind, cleared.GetProperty("visibility").GetString()));
    }

    [Fact]
    public async Task It_is_an_event_by_and_about_the_user_with_what_they_wrote_hidden()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        await Update(ada, Full);
        var entry = JsonDocument.Parse((string)(await app.Sql(
            "select convert_from(canonical, 'UTF8') from profiles.mt_events where stream_id = $1 and type = 'profile.updated.1'", id))[0][0]!).RootElement;
        Assert.Equal((id, id), (entry.GetProperty("actor").GetString(), entry.GetProperty("subject").GetString()));
        Assert.DoesNotContain("Mathematician", entry.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("London", entry.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Saying_it_again_changes_nothing()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        await Update(ada, Full);
        Assert.Equal("\"2\"", (await Update(ada, Full)).Header("ETag"));
        Assert.Equal(["profile.opened.1", "profile.updated.1"], await Events(id));
    }

    [Fact]
    public async Task A_version_that_is_not_the_present_one_is_412_and_changes_nothing()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        await Update(ada, Full, ifMatch: "\"1\"");
        var result = await Update(ada, new { displayName = "Late" }, ifMatch: "\"1\"", status: 412);
        Assert.Equal("""{"error":"The profile was changed since it was read","code":"stale_version"}""", result.Body);
        await Update(ada, new { displayName = "Late" }, ifMatch: "3", status: 412);
        Assert.Equal("Ada", (await Read(ada)).Json().GetProperty("displayName").GetString());
    }

    [Fact]
    public async Task Of_several_that_read_one_version_and_write_at_once_one_wins()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => app.Scenario(_ =>
        {
            _.As(ada).Put.Json(new { displayName = $"Ada {i}" }).ToUrl("/api/profiles/me");
            _.WithRequestHeader("If-Match", "\"1\"");
            _.IgnoreStatusCode();
        })));
        Assert.Equal([200, 412, 412, 412, 412, 412, 412, 412], answers.Select(answer => answer.Status).Order());
        Assert.Equal(["profile.opened.1", "profile.updated.1"], await Events(id));
    }

    [Fact]
    public async Task What_is_wrong_is_named()
    {
        var (ada, _) = await SignedUp();
        var result = (await Update(ada, new { languages = WithOneWrong, timeZone = "Mars/Base" }, status: 400)).Json();
        Assert.Equal("validation_failed", result.GetProperty("code").GetString());
        Assert.Equal(["languages[1]", "timeZone"], result.GetProperty("details").EnumerateArray().Select(detail => detail.GetProperty("field").GetString()));
    }

    [Theory]
    [InlineData("""{"displayName":1}""")]
    [InlineData("""{"languages":"en"}""")]
    [InlineData("""[]""")]
    [InlineData("""{oops""")]
    [InlineData("")]
    [InlineData("null")]
    public async Task A_body_of_the_wrong_shape_is_400(string body)
    {
        var (ada, _) = await SignedUp();
        await app.Scenario(_ =>
        {
            _.As(ada).Put.RawJson(body).ToUrl("/api/profiles/me");
            _.StatusCodeShouldBe(400);
        });
    }

    [Fact]
    public async Task A_malformed_tag_matches_nothing_and_any_version_is_a_star()
    {
        var (ada, id) = await SignedUp();
        await Opened(id);
        foreach (var tag in (string[])["W/\"1\"", "malformed", "\"2\""])
            await Update(ada, Full, ifMatch: tag, status: 412);
        await Update(ada, Full, ifMatch: "*");
        await Update(ada, new { displayName = "Two" }, ifMatch: "\"7\", \"2\"");
    }

    [Fact]
    public async Task Nobody_has_no_profile()
    {
        var result = await app.Scenario(_ =>
        {
            _.Get.Url("/api/profiles/me");
            _.StatusCodeShouldBe(401);
        });
        Assert.Equal("unauthorized", result.Json().GetProperty("code").GetString());
        await app.Scenario(_ =>
        {
            _.Put.Json(Full).ToUrl("/api/profiles/me");
            _.StatusCodeShouldBe(401);
        });
    }

    private async Task<(Browser Browser, string Id)> SignedUp()
    {
        var browser = app.Browser();
        var email = $"ada.{Interlocked.Increment(ref made)}@example.com";
        var result = await app.Scenario(_ => _
            .As(browser).Post.Json(new { name = "Ada", email, password = "correct-horse-1" }).ToUrl("/api/auth/sign-up/email"));
        return (browser, result.Json().GetProperty("user").GetProperty("id").GetString()!);
    }

    private Task<ScenarioResult> Read(Browser browser) => app.Scenario(_ => _.As(browser).Get.Url("/api/profiles/me"));

    private Task<ScenarioResult> Update(Browser browser, object profile, string? ifMatch = null, int status = 200) => app.Scenario(_ =>
    {
        _.As(browser).Put.Json(profile).ToUrl("/api/profiles/me");
        if (ifMatch is not null)
            _.WithRequestHeader("If-Match", ifMatch);
        _.StatusCodeShouldBe(status);
    });

    /// <summary>The message of the sign-up has had its effect.</summary>
    private async Task Opened(string id)
    {
        await app.Settled();
        Assert.Equal(["profile.opened.1"], await Events(id));
    }

    /// <summary>As if the message had not arrived yet.</summary>
    private async Task Forget(string id) => await app.Sql(
        "with e as (delete from profiles.mt_events where stream_id = $1), s as (delete from profiles.mt_streams where id = $1) "
        + "delete from profiles.mt_doc_profile where id = $1", id);

    private async Task Deliver(UserRegistered message)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var store = scope.ServiceProvider.GetRequiredService<IDocumentSession>();
        await OpenProfileOfNewUser.Handler.Handle(message, store, CancellationToken.None);
        await store.SaveChangesAsync();
    }

    private async Task<IEnumerable<string>> Events(string id) =>
        (await app.Sql("select type from profiles.mt_events where stream_id = $1 order by version", id)).Select(row => (string)row[0]!);
}
