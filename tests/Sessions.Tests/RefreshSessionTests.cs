using Modular.Kernel;

namespace Modular.Sessions.Tests;

public sealed class RefreshSessionTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    // Life 8 h, update age 1 h, cap 30 d; times in hours since signing in.
    [Theory]
    [InlineData("just signed in", 0, 8, null)]
    [InlineData("a moment before it is due", 0.9999, 8, null)]
    [InlineData("due", 1, 8, 9.0)]
    [InlineData("used again after a long pause", 7.5, 8, 15.5)]
    [InlineData("a moment before its end", 7.9999, 8, 15.9999)]
    [InlineData("at its end", 8, 8, null)]
    [InlineData("long after its end", 100, 8, null)]
    [InlineData("refreshed two hours ago", 12, 18, 20.0)]
    [InlineData("refreshed half an hour ago", 12, 19.5, null)]
    [InlineData("the cap in sight", 713, 720 - 1, 720.0)]
    [InlineData("at its cap, nothing to gain", 715, 720, null)]
    [InlineData("at its cap, about to end", 719.99, 720, null)]
    [InlineData("given more than a later setting allows", 2, 100, null)]
    public void It_is_refreshed_when_due(string when, double now, double expires, double? until)
    {
        var session = Some.Session with { ExpiresAt = Some.Noon.AddHours(expires) };

        var decided = RefreshSession.Decide(session, Some.Defaults, Some.Noon.AddHours(now));

        var expected = until is { } hours ? new SessionRefreshed("5e55", "ada", Some.Noon.AddHours(hours), Some.Noon.AddHours(now)) : null;
        Assert.True(expected == decided, $"{when}: {decided}");
    }

    [Fact]
    public void One_that_is_not_remembered_is_never_refreshed() =>
        Assert.Null(RefreshSession.Decide(
            Some.Session with { Remember = false, ExpiresAt = Some.Noon + Day }, Some.Defaults, Some.Noon.AddHours(20)));

    [Fact]
    public void With_an_update_age_of_zero_every_use_refreshes() =>
        Assert.Equal(
            new SessionRefreshed("5e55", "ada", Some.Noon.AddHours(8).AddSeconds(1), Some.Noon.AddSeconds(1)),
            RefreshSession.Decide(Some.Session, new AuthOptions { SessionUpdateAge = TimeSpan.Zero }, Some.Noon.AddSeconds(1)));

    [Fact]
    public void With_an_update_age_beyond_its_life_no_use_refreshes() =>
        Assert.All(Enumerable.Range(0, 8), hour => Assert.Null(RefreshSession.Decide(
            Some.Session, new AuthOptions { SessionUpdateAge = Day }, Some.Noon.AddHours(hour))));
}

public sealed class RefreshSessionOverHttp(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Remembered = $@"^better-auth\.session_token=[^;]+%3D; Max-Age=(28799|28800); Path=/; HttpOnly; SameSite=Lax$";

    [Fact]
    public async Task A_session_in_use_gets_more_time_and_its_cookie_again()
    {
        var laptop = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(2));

        var answer = await app.GetSession(laptop.Browser);

        var session = answer.Json().GetProperty("session");
        Assert.InRange(SessionsApp.Time(session.GetProperty("expiresAt")) - laptop.ExpiresAt, TimeSpan.FromMinutes(119), TimeSpan.FromMinutes(121));
        Assert.True(SessionsApp.Time(session.GetProperty("updatedAt")) > SessionsApp.Time(session.GetProperty("createdAt")));
        Assert.Matches(Remembered, Assert.Single(answer.OwnCookies));
        Assert.Equal(app.Sign(laptop.Token), laptop.Browser.Cookies[SessionsApp.Cookie]);
        Assert.Equal(["session.started.1 password", "session.refreshed.1"], await app.History(laptop.SessionId));

        var again = await app.GetSession(laptop.Browser);
        Assert.Equal(answer.Body, again.Body);
        Assert.Empty(again.SetCookies);
    }

    [Fact]
    public async Task The_event_says_who_used_it_and_from_where()
    {
        var laptop = await app.SignedIn(userAgent: "Laptop/1");
        app.Clock.Advance(TimeSpan.FromHours(2));

        await app.Scenario(_ =>
        {
            _.As(laptop.Browser).Get.Url("/api/auth/get-session");
            _.WithRequestHeader("User-Agent", "Laptop/2");
        });

        var refreshed = (await app.Events(laptop.SessionId))[1];
        Assert.Equal(
            (laptop.Person.Id, laptop.SessionId, "127.0.0.1", "Laptop/2", laptop.Person.Id),
            (refreshed.Metadata.Actor, refreshed.Metadata.SessionId, refreshed.Metadata.IpAddress, refreshed.Metadata.UserAgent, refreshed.Subject));
        Assert.NotNull(refreshed.CorrelationId);
    }

    [Fact]
    public async Task Any_route_that_needs_a_session_refreshes_it()
    {
        var laptop = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(2));

        var answer = await app.Post(laptop.Browser, "/api/auth/revoke-other-sessions", new { });

        Assert.Equal("""{"status":true}""", answer.Body);
        Assert.Matches(Remembered, Assert.Single(answer.OwnCookies));
        Assert.Equal(["session.started.1 password", "session.refreshed.1"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task Whoever_asks_not_to_refresh_is_obeyed()
    {
        var laptop = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(2));

        var answer = await app.GetSession(laptop.Browser, "?disableRefresh=true");

        Assert.NotEqual("null", answer.Body);
        Assert.Empty(answer.SetCookies);
        Assert.Equal(["session.started.1 password"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task A_session_that_is_not_remembered_is_not_refreshed_and_ends_within_a_day()
    {
        var laptop = await app.SignedIn(remember: false);
        app.Clock.Advance(TimeSpan.FromHours(23));

        var late = await app.GetSession(laptop.Browser);
        Assert.NotEqual("null", late.Body);
        Assert.Empty(late.SetCookies);

        app.Clock.Advance(TimeSpan.FromHours(1));
        SessionsApp.AssertCleared(await app.GetSession(laptop.Browser));
        Assert.Equal(["session.started.1 password"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task The_cookie_that_says_not_remembered_stops_the_refresh_of_any_session()
    {
        var laptop = await app.SignedIn();
        laptop.Browser.Put(SessionsApp.NotRemembered, app.Sign("true"));
        app.Clock.Advance(TimeSpan.FromHours(2));

        Assert.Empty((await app.GetSession(laptop.Browser)).SetCookies);
        Assert.Equal(["session.started.1 password"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task Taking_that_cookie_away_does_not_make_a_session_remembered()
    {
        var laptop = await app.SignedIn(remember: false);
        var stripped = app.Browser();
        stripped.Put(SessionsApp.Cookie, app.Sign(laptop.Token));
        app.Clock.Advance(TimeSpan.FromHours(20));

        Assert.Empty((await app.GetSession(stripped)).SetCookies);
        Assert.Equal(["session.started.1 password"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task However_often_it_is_used_a_session_ends_at_its_cap()
    {
        var laptop = await app.SignedIn();
        var hours = 0;
        for (; hours < 24 * 31 && (await app.GetSession(laptop.Browser)).Body != "null"; hours += 7)
            app.Clock.Advance(TimeSpan.FromHours(7));

        Assert.InRange(hours, 24 * 30, (24 * 30) + 7);
    }

    [Fact]
    public async Task Refreshing_in_parallel_is_done_once_and_hurts_nobody()
    {
        var laptop = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(2));

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.GetSession(app.Again(laptop).Browser)));

        Assert.All(answers, answer => Assert.Equal(laptop.SessionId, answer.Json().GetProperty("session").GetProperty("id").GetString()));
        Assert.Equal(["session.started.1 password", "session.refreshed.1"], await app.History(laptop.SessionId));
    }

    [Fact]
    public async Task A_refresh_that_cannot_be_written_leaves_the_session_as_good_as_it_is()
    {
        var laptop = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(2));
        await app.Sql("""
            create function sessions.full() returns trigger language plpgsql as $$ begin raise exception using errcode = '53100'; end $$;
            create trigger disk_full before update on sessions.mt_streams for each row execute function sessions.full()
            """);
        try
        {
            var answer = await app.GetSession(laptop.Browser);

            Assert.Equal(laptop.ExpiresAt.ToUnixTimeMilliseconds(), SessionsApp.Time(answer.Json().GetProperty("session").GetProperty("expiresAt")).ToUnixTimeMilliseconds());
            Assert.Empty(answer.SetCookies);
        }
        finally
        {
            await app.Sql("drop function sessions.full() cascade");
        }

        Assert.Single((await app.GetSession(laptop.Browser)).OwnCookies);
    }
}
