using System.Text.Json;

namespace Modular.Sessions.Tests;

public sealed class ListSessionsTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Url = "/api/auth/list-sessions";

    [Fact]
    public async Task It_shows_every_live_device_of_the_user_and_nobody_elses()
    {
        await app.SignedIn();
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person, "Phone/1");

        var rows = (await app.Get(laptop.Browser, Url)).Json().EnumerateArray().ToList();

        Assert.Equal(
            [(laptop.SessionId, laptop.Person.Id, "Laptop/1"), (phone.SessionId, laptop.Person.Id, "Phone/1")],
            rows.Select(row => (row.GetProperty("id").GetString(), row.GetProperty("userId").GetString(), row.GetProperty("userAgent").GetString())));
    }

    [Fact]
    public async Task The_current_session_is_told_as_get_session_tells_it_and_others_by_their_handles()
    {
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person, "Phone/1");

        var answer = await app.Get(laptop.Browser, Url);

        var rows = answer.Json().EnumerateArray().ToDictionary(row => row.GetProperty("id").GetString()!);
        Assert.True(JsonElement.DeepEquals((await app.GetSession(laptop.Browser)).Json().GetProperty("session"), rows[laptop.SessionId]));
        Assert.Equal((await app.Row(phone.SessionId))!.Handle, rows[phone.SessionId].GetProperty("token").GetString());
        Assert.DoesNotContain(phone.Token, answer.Body, StringComparison.Ordinal);
        Assert.Equal(answer.Body, (await app.Get(laptop.Browser, Url)).Body);
    }

    [Fact]
    public async Task Sessions_that_are_over_are_not_shown()
    {
        var old = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(8));
        var laptop = await app.SignedIn(old.Person);

        Assert.Equal([laptop.SessionId], (await app.Get(laptop.Browser, Url)).Json().EnumerateArray().Select(row => row.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task Nobody_and_forgers_are_401()
    {
        var forger = app.Browser();
        forger.Put(SessionsApp.Cookie, "abc.def");
        foreach (var browser in new[] { app.Browser(), forger })
        {
            var answer = await app.Get(browser, Url);
            Assert.Equal((401, """{"message":"Unauthorized","code":"UNAUTHORIZED"}"""), (answer.Status, answer.Body));
            Assert.Empty(answer.SetCookies);
        }
    }

    [Fact]
    public async Task A_dead_session_is_401_and_its_cookies_are_cleared()
    {
        var laptop = await app.SignedIn();
        await app.Post(app.Again(laptop).Browser, "/api/auth/sign-out", new { });

        var answer = await app.Get(laptop.Browser, Url);

        Assert.Equal((401, """{"message":"Unauthorized","code":"UNAUTHORIZED"}"""), (answer.Status, answer.Body));
        SessionsApp.AssertCleared(answer);
    }

    [Fact]
    public async Task A_day_after_signing_in_it_is_refused_and_recorded()
    {
        var laptop = await app.SignedIn();
        for (var hours = 0; hours < 28; hours += 7)
        {
            app.Clock.Advance(TimeSpan.FromHours(7));
            await app.GetSession(laptop.Browser);
        }

        var answer = await app.Get(laptop.Browser, Url);

        Assert.Equal((403, """{"message":"Session is not fresh","code":"SESSION_NOT_FRESH"}"""), (answer.Status, answer.Body));
        Assert.Equal("session.access_refused.1 session_not_fresh", (await app.History(laptop.SessionId))[^1]);
        Assert.True(await app.IsSignedIn(laptop));
        Assert.Equal("""{"success":true}""", (await app.Post(laptop.Browser, "/api/auth/sign-out", new { })).Body);
        Assert.False(await app.IsSignedIn(laptop));
    }
}
