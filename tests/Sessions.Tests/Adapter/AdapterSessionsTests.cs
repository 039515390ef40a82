using System.Text.Json;
using Modular.Testing;

namespace Modular.Sessions.Tests;

/// <summary>A server that an Auth.js application may speak to.</summary>
public sealed class ApplicationApp() : SessionsApp(new()
{
    ["Adapter:ApiKey"] = Key,
    ["Admin:Email"] = "root@example.com",
    ["Admin:Password"] = "correct horse battery staple",
})
{
    public const string Key = "the key of an application, long enough";
}

/// <summary>What an application asks about sessions.</summary>
internal static class Application
{
    public static Task<ScenarioResult> Call(this App app, string method, object body, int? status = 200) => app.Scenario(_ =>
    {
        _.Post.Json(body).ToUrl($"/api/adapter/{method}");
        _.WithRequestHeader("Authorization", $"Bearer {ApplicationApp.Key}");
        _.WithRequestHeader("X-Visitor-IP", "203.0.113.9");
        _.WithRequestHeader("X-Visitor-User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    public static async Task<JsonElement> Ask(this App app, string method, object body) => (await app.Call(method, body)).Json().GetProperty("data");

    public static async Task<bool> IsSignedIn(this App app, string sessionToken) =>
        (await app.Ask("get-session-and-user", new { sessionToken })).ValueKind == JsonValueKind.Object;

    /// <summary>A session of somebody, made by the application; answers its token.</summary>
    public static async Task<string> Started(this App app, Person person, DateTimeOffset? expires = null)
    {
        var sessionToken = Guid.NewGuid().ToString();
        await app.Ask("create-session", new { sessionToken, userId = person.Id, expires = expires ?? app.Clock.GetUtcNow().AddHours(8) });
        return sessionToken;
    }
}

public sealed class AdapterSessionsTests(ApplicationApp app) : IClassFixture<ApplicationApp>
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static string Iso(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_session_is_kept_with_the_token_and_the_end_of_the_application()
    {
        var ada = await app.Registered();
        var (token, expires) = (Guid.NewGuid().ToString(), Iso(app.Clock.GetUtcNow().AddDays(7)));
        var made = await app.Ask("create-session", new { sessionToken = token, userId = ada.Id, expires });
        Assert.Equal($$"""{"sessionToken":"{{token}}","userId":"{{ada.Id}}","expires":"{{expires}}"}""", made.GetRawText());
        var found = await app.Ask("get-session-and-user", new { sessionToken = token });
        Assert.Equal(
            $$$"""{"session":{"sessionToken":"{{{token}}}","userId":"{{{ada.Id}}}","expires":"{{{expires}}}"},"user":{"id":"{{{ada.Id}}}","name":"Ada","email":"{{{ada.Email}}}","emailVerified":null,"image":null}}""",
            found.GetRawText());
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_doc_session s where s::text like '%' || $1 || '%'", token));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_events e where e::text like '%' || $1 || '%'", token));
    }

    [Fact]
    public async Task It_is_a_session_like_all_others_listed_with_its_device_and_revocable_from_elsewhere()
    {
        var device = await app.SignedIn();
        var token = await app.Started(device.Person);
        var listed = (await app.Scenario(_ => _.As(device.Browser).Get.Url("/api/auth/list-sessions"))).Json().EnumerateArray()
            .Single(session => session.GetProperty("id").GetString() != device.SessionId);
        Assert.Equal("203.0.113.9", listed.GetProperty("ipAddress").GetString());
        Assert.Contains("Firefox", listed.GetProperty("userAgent").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(token, listed.GetProperty("token").GetString());

        Assert.True(await app.IsSignedIn(token));
        await app.Scenario(_ => _.As(device.Browser).Post.Json(new { token = listed.GetProperty("token").GetString() }).ToUrl("/api/auth/revoke-session"));
        Assert.False(await app.IsSignedIn(token));
    }

    [Fact]
    public async Task It_is_in_the_log_with_the_visitor_and_not_with_the_application()
    {
        var ada = await app.Registered();
        var token = await app.Started(ada);
        await app.Ask("update-session", new { sessionToken = token, expires = app.Clock.GetUtcNow().AddHours(9) });
        await app.Ask("delete-session", new { sessionToken = token });
        await app.Settled();
        var entries = await app.Sql("select type, actor, host(ip), reason from audit.search where subject = $1 and module = 'sessions' order by position", ada.Id);
        Assert.Equal(
            [
                ["session.started.1", ada.Id, "203.0.113.9", "authjs"],
                ["session.refreshed.1", ada.Id, "203.0.113.9", null],
                ["session.signed_out.1", ada.Id, "203.0.113.9", null],
            ],
            entries);
    }

    [Fact]
    public async Task A_life_longer_than_any_is_cut_and_the_answer_says_so()
    {
        var token = Guid.NewGuid().ToString();
        var ada = await app.Registered();
        var latest = app.Clock.GetUtcNow().AddDays(30).AddSeconds(5);
        var made = await app.Ask("create-session", new { sessionToken = token, userId = ada.Id, expires = app.Clock.GetUtcNow().AddDays(400) });
        Assert.True(made.GetProperty("expires").GetDateTimeOffset() <= latest);
        var moved = await app.Ask("update-session", new { sessionToken = token, expires = app.Clock.GetUtcNow().AddDays(400) });
        Assert.True(moved.GetProperty("expires").GetDateTimeOffset() <= latest);
        Assert.Equal(moved.GetRawText(), (await app.Ask("get-session-and-user", new { sessionToken = token })).GetProperty("session").GetRawText());
    }

    [Fact]
    public async Task Only_the_application_moves_its_end()
    {
        var token = await app.Started(await app.Registered(), app.Clock.GetUtcNow().AddHours(2));
        var expires = Iso(app.Clock.GetUtcNow().AddHours(3));
        Assert.Equal(expires, (await app.Ask("update-session", new { sessionToken = token, expires })).GetProperty("expires").GetString());
        Assert.Equal(expires, (await app.Ask("update-session", new { sessionToken = token })).GetProperty("expires").GetString());
        await app.Ask("update-session", new { sessionToken = token, expires });
        Assert.Equal(expires, (await app.Ask("get-session-and-user", new { sessionToken = token })).GetProperty("session").GetProperty("expires").GetString());
        Assert.Equal(1, await app.Count(
            "select count(*) from sessions.mt_events where type = 'session.refreshed.1' and stream_id = (select stream_id from sessions.mt_events order by seq_id desc limit 1)"));

        // By a token of ours it would be due for more time by now.
        var bearer = await app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/get-session");
            _.WithRequestHeader("Authorization", $"Bearer {token}");
        });
        Assert.Equal(expires, bearer.Json().GetProperty("session").GetProperty("expiresAt").GetString());
    }

    [Fact]
    public async Task One_that_is_over_is_nobodys_and_comes_back_for_no_one()
    {
        var token = await app.Started(await app.Registered(), app.Clock.GetUtcNow().AddMilliseconds(300));
        while (await app.IsSignedIn(token))
            await Task.Delay(20);
        Assert.Equal(JsonValueKind.Null, (await app.Ask("update-session", new { sessionToken = token, expires = app.Clock.GetUtcNow().AddHours(1) })).ValueKind);
        Assert.Equal(JsonValueKind.Null, (await app.Ask("delete-session", new { sessionToken = token })).ValueKind);
        Assert.False(await app.IsSignedIn(token));

        var past = await app.Started(await app.Registered(), app.Clock.GetUtcNow().AddYears(-1));
        Assert.False(await app.IsSignedIn(past));
    }

    [Fact]
    public async Task Signing_out_answers_who_left_and_is_quiet_afterwards()
    {
        var ada = await app.Registered();
        var token = await app.Started(ada);
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Ask("delete-session", new { sessionToken = token })));
        var left = Assert.Single(answers, answer => answer.ValueKind == JsonValueKind.Object);
        Assert.Equal(ada.Id, left.GetProperty("userId").GetString());
        Assert.False(await app.IsSignedIn(token));
    }

    [Theory]
    [InlineData("get-session-and-user")]
    [InlineData("update-session")]
    [InlineData("delete-session")]
    public async Task Rubbish_is_nobodys(string method)
    {
        foreach (var token in (string[])["", "x", new string('x', 100_000), "a\0b", "😀; drop table"])
            Assert.Equal("""{"data":null}""", (await app.Call(method, new { sessionToken = token, expires = Noon })).Body);
        Assert.Equal("""{"data":null}""", (await app.Call(method, new { })).Body);
    }

    [Fact]
    public async Task Asking_too_early_keeps_nobody_out()
    {
        await using var node = await app.AnotherNode().AsDisposable();
        var (ada, token) = (await app.Registered(), Guid.NewGuid().ToString());
        Assert.False(await app.IsSignedIn(token));
        Assert.False(await node.App.IsSignedIn(token));
        await app.Ask("create-session", new { sessionToken = token, userId = ada.Id, expires = app.Clock.GetUtcNow().AddHours(1) });
        Assert.True(await app.IsSignedIn(token));
        Assert.True(await node.App.IsSignedIn(token));
    }

    [Fact]
    public async Task What_one_node_ends_or_shortens_is_over_on_the_other()
    {
        await using var node = await app.AnotherNode().AsDisposable();
        var ada = await app.Registered();
        var (revoked, shortened) = (await app.Started(ada), await app.Started(ada));
        Assert.True(await node.App.IsSignedIn(revoked) && await node.App.IsSignedIn(shortened));
        await app.Ask("delete-session", new { sessionToken = revoked });
        await app.Ask("update-session", new { sessionToken = shortened, expires = app.Clock.GetUtcNow().AddMilliseconds(1) });
        await SessionsApp.Sees(async () => !await node.App.IsSignedIn(revoked) && !await node.App.IsSignedIn(shortened));
    }

    [Fact]
    public async Task A_banned_user_has_no_session_and_gets_none()
    {
        var ada = await app.Registered();
        var token = await app.Started(ada);
        Assert.True(await app.IsSignedIn(token));
        await app.Sql(
            "update identity.mt_doc_user set banned = true, data = data || '{\"banned\": true}' where id = $1", ada.Id);
        await SessionsApp.Sees(async () => !await app.IsSignedIn(token));
        Assert.Equal(JsonValueKind.Null, (await app.Ask("update-session", new { sessionToken = token, expires = app.Clock.GetUtcNow().AddHours(1) })).ValueKind);
        var refused = await app.Call("create-session", new { sessionToken = Guid.NewGuid(), userId = ada.Id, expires = app.Clock.GetUtcNow().AddHours(1) }, 403);
        Assert.Equal("banned_user", refused.Json().GetProperty("code").GetString());
        Assert.Equal(1, await app.Count("select count(*) from sessions.mt_events where type = 'session.refused.1' and data ->> 'userId' = $1", ada.Id));
    }

    [Fact]
    public async Task A_token_is_one_sessions_and_nobody_is_let_in_by_a_short_one()
    {
        var (ada, token) = (await app.Registered(), Guid.NewGuid().ToString());
        object Body(string sessionToken, string? userId) => new { sessionToken, userId, expires = app.Clock.GetUtcNow().AddHours(1) };
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Call("create-session", Body(token, ada.Id), status: null)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(49, answers.Count(answer => answer.Status == 409));
        Assert.Equal("session_taken", answers.First(answer => answer.Status == 409).Json().GetProperty("code").GetString());
        await app.Call("create-session", Body("short", ada.Id), 400);
        await app.Call("create-session", Body(Guid.NewGuid().ToString(), null), 400);
        await app.Call("create-session", Body(Guid.NewGuid().ToString(), "unknown"), 404);
        await app.Call("create-session", Body(Guid.NewGuid().ToString(), "a\0b"), 404);
    }

    [Fact]
    public void The_end_is_moved_up_to_the_longest_life_and_not_for_nothing()
    {
        var session = new Session("1", "ada", "", "", false, "authjs", Noon, Noon, Noon.AddHours(8), null, null);
        Assert.Equal(new SessionRefreshed("1", "ada", Noon.AddHours(9), Noon), UpdateAdapterSession.Decide(session, Noon.AddHours(9), TimeSpan.FromDays(30), Noon));
        Assert.Equal(new SessionRefreshed("1", "ada", Noon.AddDays(30), Noon), UpdateAdapterSession.Decide(session, Noon.AddDays(31), TimeSpan.FromDays(30), Noon));
        Assert.Null(UpdateAdapterSession.Decide(session, Noon.AddHours(8), TimeSpan.FromDays(30), Noon));
    }
}

/// <summary>A node that is disposed with the test.</summary>
internal sealed class DisposedNode(App app) : IAsyncDisposable
{
    public App App => app;

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}

internal static class DisposedNodes
{
    public static async Task<DisposedNode> AsDisposable(this Task<App> node) => new(await node);
}
