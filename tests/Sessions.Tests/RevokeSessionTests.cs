namespace Modular.Sessions.Tests;

public sealed class RevokeSessionTests
{
    [Fact]
    public void Ones_own_live_session_is_revoked() =>
        Assert.Equal(
            new SessionRevoked("5e55", "ada", "revoked_by_user", Some.Noon),
            RevokeSession.Decide(Some.Session, "ada", Some.Noon));

    [Fact]
    public void One_that_is_over_stays_as_it_was() => Assert.Null(RevokeSession.Decide(Some.Session, "ada", Some.Noon.AddHours(8)));

    [Fact]
    public void One_that_is_unknown_or_ended_is_nothing_to_do() => Assert.Null(RevokeSession.Decide(null, "ada", Some.Noon));

    [Fact]
    public void Somebody_elses_is_refused() =>
        Assert.Equal(
            new SessionAccessRefused("5e55", "ada", "revoke_session", "not_own_session", Some.Noon),
            RevokeSession.Decide(Some.Session, "grace", Some.Noon));
}

public sealed class RevokeSessionOverHttp(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Url = "/api/auth/revoke-session";
    private const string Done = """{"status":true}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_device_is_ended_by_its_token_or_its_handle(bool byHandle)
    {
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person, "Phone/1");

        var answer = await app.Post(laptop.Browser, Url, new { token = byHandle ? (await app.Row(phone.SessionId))!.Handle : phone.Token });

        Assert.Equal((200, Done), (answer.Status, answer.Body));
        Assert.Empty(answer.SetCookies);
        Assert.Equal((true, false), (await app.IsSignedIn(laptop), await app.IsSignedIn(phone)));
        Assert.Null(await app.Row(phone.SessionId));
        var revoked = (await app.Events(phone.SessionId))[^1];
        Assert.Equal(["session.started.1 password", "session.revoked.1 revoked_by_user"], await app.History(phone.SessionId));
        Assert.Equal((laptop.Person.Id, laptop.SessionId, laptop.Person.Id), (revoked.Metadata.Actor, revoked.Metadata.SessionId, revoked.Subject));
    }

    [Fact]
    public async Task The_current_one_may_be_ended_and_its_cookies_stay_until_the_next_check()
    {
        var laptop = await app.SignedIn();

        var answer = await app.Post(laptop.Browser, Url, new { token = laptop.Token });

        Assert.Equal(Done, answer.Body);
        Assert.Empty(answer.SetCookies);
        SessionsApp.AssertCleared(await app.GetSession(laptop.Browser));
    }

    [Fact]
    public async Task Unknown_ones_and_a_repetition_are_done_all_the_same()
    {
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person);
        foreach (var token in new[] { "unknown", "", phone.SessionId, phone.Token, phone.Token })
            Assert.Equal(Done, (await app.Post(laptop.Browser, Url, new { token })).Body);

        Assert.Equal(["session.started.1 password", "session.revoked.1 revoked_by_user"], await app.History(phone.SessionId));
        Assert.True(await app.IsSignedIn(laptop));
    }

    [Fact]
    public async Task Somebody_elses_looks_done_still_works_and_is_recorded()
    {
        var grace = await app.SignedIn(await app.Registered("Grace"));
        var ada = await app.SignedIn();
        foreach (var token in new[] { ada.Token, (await app.Row(ada.SessionId))!.Handle, ada.SessionId })
            Assert.Equal(Done, (await app.Post(grace.Browser, Url, new { token })).Body);

        Assert.True(await app.IsSignedIn(ada));
        Assert.Equal(
            ["session.started.1 password", "session.access_refused.1 not_own_session", "session.access_refused.1 not_own_session"],
            await app.History(ada.SessionId));
        var refused = (await app.Events(ada.SessionId))[^1];
        Assert.Equal((grace.Person.Id, ada.Person.Id), (refused.Metadata.Actor, refused.Subject));
    }

    [Fact]
    public async Task Revoking_in_parallel_is_recorded_once()
    {
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person);

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => app.Post(app.Again(laptop).Browser, Url, new { token = phone.Token })));

        Assert.All(answers, answer => Assert.Equal((200, Done), (answer.Status, answer.Body)));
        Assert.Equal(["session.started.1 password", "session.revoked.1 revoked_by_user"], await app.History(phone.SessionId));
    }

    [Fact]
    public async Task Revoking_a_session_that_is_being_refreshed_ends_it()
    {
        for (var round = 0; round < 5; round++)
        {
            var laptop = await app.SignedIn(remember: false);
            var phone = await app.SignedIn(laptop.Person);
            app.Clock.Advance(TimeSpan.FromHours(2));

            var refreshes = Enumerable.Range(0, 8).Select(_ => app.GetSession(app.Again(phone).Browser)).ToList();
            var revoked = app.Post(laptop.Browser, Url, new { token = phone.Token });

            Assert.Equal(Done, (await revoked).Body);
            Assert.All(await Task.WhenAll(refreshes), answer => Assert.Equal(200, answer.Status));
            Assert.False(await app.IsSignedIn(phone));
            Assert.Equal("session.revoked.1 revoked_by_user", (await app.History(phone.SessionId))[^1]);
        }
    }

    [Fact]
    public async Task The_body_is_checked_before_the_session()
    {
        var answer = await app.Post(app.Browser(), Url, new { });

        Assert.Equal(
            (400, """{"message":"[body.token] Invalid input: expected string, received undefined","code":"VALIDATION_ERROR"}"""),
            (answer.Status, answer.Body));
        Assert.Equal(401, (await app.Post(app.Browser(), Url, new { token = "unknown" })).Status);
    }
}
