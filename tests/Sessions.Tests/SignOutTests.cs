namespace Modular.Sessions.Tests;

public sealed class SignOutTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Url = "/api/auth/sign-out";
    private const string Done = """{"success":true}""";

    [Fact]
    public void A_session_that_is_over_did_not_sign_out()
    {
        Assert.Equal(new SessionSignedOut("5e55", "ada", Some.Noon), SignOut.Decide(Some.Session, Some.Noon));
        Assert.Null(SignOut.Decide(Some.Session, Some.Noon.AddHours(8)));
    }

    [Fact]
    public async Task It_ends_this_session_alone_and_clears_the_cookies()
    {
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person);

        var answer = await app.Post(app.Again(laptop).Browser, Url, new { });

        Assert.Equal(Done, answer.Body);
        SessionsApp.AssertCleared(answer);
        Assert.Equal((false, true), (await app.IsSignedIn(laptop), await app.IsSignedIn(phone)));
        Assert.Equal(["session.started.1 password", "session.signed_out.1"], await app.History(laptop.SessionId));
        var signedOut = (await app.Events(laptop.SessionId))[^1];
        Assert.Equal((laptop.Person.Id, laptop.SessionId, laptop.Person.Id), (signedOut.Metadata.Actor, signedOut.Metadata.SessionId, signedOut.Subject));
    }

    [Fact]
    public async Task Nobody_forgers_and_the_dead_succeed_too()
    {
        var laptop = await app.SignedIn();
        var forger = app.Browser();
        forger.Put(SessionsApp.Cookie, app.Sign(laptop.Token)[..^4]);
        foreach (var browser in new[] { app.Browser(), forger, app.Again(laptop).Browser, app.Again(laptop).Browser })
        {
            var answer = await app.Post(browser, Url, new { });
            Assert.Equal((200, Done), (answer.Status, answer.Body));
            SessionsApp.AssertCleared(answer);
        }

        Assert.Equal(["session.started.1 password", "session.signed_out.1"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task It_needs_no_body()
    {
        var laptop = await app.SignedIn();

        Assert.Equal(Done, (await app.Scenario(_ => _.As(app.Again(laptop).Browser).Post.Url(Url))).Body);
        Assert.False(await app.IsSignedIn(laptop));
    }

    [Fact]
    public async Task In_parallel_it_is_recorded_once()
    {
        var laptop = await app.SignedIn();

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => app.Post(app.Again(laptop).Browser, Url, new { })));

        Assert.All(answers, answer => Assert.Equal((200, Done), (answer.Status, answer.Body)));
        Assert.Equal(["session.started.1 password", "session.signed_out.1"], await app.History(laptop.SessionId));
    }
}
