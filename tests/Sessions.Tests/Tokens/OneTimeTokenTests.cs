using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class OneTimeTokenTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Generate = "/api/auth/one-time-token/generate";
    private const string Verify = "/api/auth/one-time-token/verify";

    [Fact]
    public void Time_the_session_and_a_ban_decide()
    {
        var live = new LiveSession(Some.Token, Some.Session, Ada);
        var token = OneTimeToken.For("text", live, Some.Noon);

        Assert.Null(VerifyOneTimeToken.Decide(token, live, Some.Noon));
        Assert.Equal((VerifyOneTimeToken.Invalid, "expired"), VerifyOneTimeToken.Decide(token, live, Some.Noon.AddMinutes(3)));
        Assert.Equal((VerifyOneTimeToken.NoSession, "session_over"), VerifyOneTimeToken.Decide(token, null, Some.Noon));
        Assert.Equal((VerifyOneTimeToken.NoSession, "banned"), VerifyOneTimeToken.Decide(token, live with { User = Ada with { Banned = true } }, Some.Noon));
        var over = live with { Session = Some.Session with { ExpiresAt = Some.Noon } };
        Assert.Equal((VerifyOneTimeToken.SessionExpired, "session_expired"), VerifyOneTimeToken.Decide(token, over, Some.Noon));
    }

    [Fact]
    public void What_is_stored_opens_by_the_token_alone()
    {
        var stored = OneTimeToken.For("right", new LiveSession(Some.Token, Some.Session, Ada), Some.Noon);

        Assert.Equal(Some.Token.Text, stored.Open("right")!.Text);
        Assert.Null(stored.Open("wrong"));
        Assert.Null((stored with { SessionId = "another" }).Open("right"));
        Assert.DoesNotContain(Some.Token.Text, stored.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_client_joins_the_same_session_once()
    {
        var laptop = await app.SignedIn();
        var token = await Ask(laptop);
        Assert.Matches("^[A-Za-z0-9]{32}$", token);
        var phone = app.Browser();

        var answer = await app.Post(phone, Verify, new { token });

        Assert.Equal((200, laptop.SessionId), (answer.Status, answer.Json().GetProperty("session").GetProperty("id").GetString()));
        Assert.Equal((await app.GetSession(laptop.Browser)).Body, answer.Body);
        Assert.Equal(answer.Body, (await app.GetSession(phone)).Body);
        Assert.StartsWith(laptop.Token + ".", answer.Header("set-auth-token"), StringComparison.Ordinal);
        AssertRefused("Invalid token", await app.Post(app.Browser(), Verify, new { token }));
        Assert.Equal(["session.started.1 password", "one_time_token.issued.1", "one_time_token.used.1"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task Of_fifty_that_use_it_at_once_on_two_nodes_one_wins()
    {
        await using var other = new Disposing(await app.AnotherNode());
        var laptop = await app.SignedIn();
        var token = await Ask(laptop);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => (at % 2 == 0 ? app : other.App).Scenario(_ =>
        {
            _.Post.Json(new { token }).ToUrl(Verify);
            _.IgnoreStatusCode();
        })));

        Assert.Equal(1, answers.Count(answer => answer.Status == 200));
        Assert.All(answers.Where(answer => answer.Status != 200), answer => AssertRefused("Invalid token", answer));
        Assert.Equal("one_time_token.used.1", (await app.History(laptop.SessionId))[^1]);
    }

    [Fact]
    public async Task It_is_over_after_three_minutes_and_with_its_session()
    {
        var (laptop, phone) = (await app.SignedIn(), await app.SignedIn());
        var (late, orphan) = (await Ask(laptop), await Ask(phone));
        await app.Post(phone.Browser, "/api/auth/sign-out", new { });

        AssertRefused("Session not found", await app.Post(app.Browser(), Verify, new { token = orphan }));
        AssertRefused("Invalid token", await app.Post(app.Browser(), Verify, new { token = orphan }));
        Assert.Equal("one_time_token.refused.1 session_over", (await app.History(phone.SessionId))[^1]);

        app.Clock.Advance(TimeSpan.FromMinutes(3));
        AssertRefused("Invalid token", await app.Post(app.Browser(), Verify, new { token = late }));
        Assert.Equal("one_time_token.refused.1 expired", (await app.History(laptop.SessionId))[^1]);
    }

    [Fact]
    public async Task It_is_nothing_but_a_one_time_token_and_nothing_else_is_one()
    {
        var laptop = await app.SignedIn();
        var token = await Ask(laptop);
        var row = (await app.Row(laptop.SessionId))!;

        foreach (var header in new[] { $"Bearer {token}", $"Bearer {app.Sign(token)}" })
        {
            var answer = await app.Scenario(_ =>
            {
                _.Get.Url("/api/auth/get-session");
                _.WithRequestHeader("Authorization", header);
            });
            Assert.Equal("null", answer.Body);
        }

        foreach (var other in new[] { laptop.Token, row.Handle, row.TokenHash, row.Id, "", OneTimeToken.IdOf(token) })
            AssertRefused("Invalid token", await app.Post(app.Browser(), Verify, new { token = other }));
        Assert.Equal(401, (await app.Get(app.Browser(), Generate)).Status);
        Assert.Equal(400, (await app.Post(app.Browser(), Verify, new { })).Status);
    }

    [Fact]
    public async Task Neither_the_token_nor_the_sessions_is_in_the_database()
    {
        var laptop = await app.SignedIn();
        var token = await Ask(laptop);

        var stored = string.Join('\n', (await app.Sql("select d::text from sessions.mt_doc_one_time_token d")).Select(row => row[0]))
            + string.Join('\n', (await app.Events(laptop.SessionId)).Select(e => e.Canonical));

        Assert.Contains(OneTimeToken.IdOf(token), stored, StringComparison.Ordinal);
        Assert.DoesNotContain(token, stored, StringComparison.Ordinal);
        Assert.DoesNotContain(laptop.Token, stored, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_deleted_user_and_of_the_past_nothing_stays()
    {
        var laptop = await app.SignedIn();
        await Ask(laptop);
        const string Theirs = "select count(*) from sessions.mt_doc_one_time_token where user_id = $1";

        await app.Send(new Contracts.EndSessionsOfUser(laptop.Person.Id, "user_deleted"));
        Assert.Equal(0, await app.Count(Theirs, laptop.Person.Id));

        var phone = await app.SignedIn();
        await Ask(phone);
        app.Clock.Advance(TimeSpan.FromMinutes(3));
        await app.Send(new Contracts.PruneExpiredSessions());
        Assert.Equal(0, await app.Count(Theirs, phone.Person.Id));
    }

    private static Identity.Contracts.SessionPrincipal Ada => new(
        "ada", "Ada", "ada@example.com", true, null, Some.Noon, Some.Noon, "user", false, null, null);

    private static void AssertRefused(string message, ScenarioResult answer) =>
        Assert.Equal((400, $$"""{"message":"{{message}}"}"""), (answer.Status, answer.Body));

    private async Task<string> Ask(Device device) =>
        (await app.Get(app.Again(device).Browser, Generate)).Json().GetProperty("token").GetString()!;

    private sealed class Disposing(App app) : IAsyncDisposable
    {
        public App App => app;

        public async ValueTask DisposeAsync() => await app.DisposeAsync();
    }
}
