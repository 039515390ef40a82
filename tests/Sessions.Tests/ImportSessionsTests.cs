using Modular.Kernel;
using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class ImportSessionsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly AuthOptions Options = new();

    [Fact]
    public void A_session_goes_on_until_it_would_have_ended() =>
        Assert.Equal(Noon.AddDays(7), ImportSessions.EndOf(new("ada", "t", Noon.AddDays(7), CreatedAt: Noon.AddDays(-1)), Options, Noon));

    [Fact]
    public void It_gets_no_older_than_a_session_may()
    {
        Assert.Equal(Noon.AddDays(10), ImportSessions.EndOf(new("ada", "t", Noon.AddDays(90), CreatedAt: Noon.AddDays(-20)), Options, Noon));
        Assert.Null(ImportSessions.EndOf(new("ada", "t", Noon.AddDays(90), CreatedAt: Noon.AddDays(-30)), Options, Noon));
        Assert.Null(ImportSessions.EndOf(new("ada", "t", Noon), Options, Noon));
    }

    [Fact]
    public void One_of_unknown_age_is_not_fresh_and_none_comes_from_the_future()
    {
        var unknown = ImportSessions.Decide(new("ada", "t", Noon.AddDays(7)), "s1", "hash", "handle", "import", Options, Noon);
        Assert.False(Session.Create(unknown).IsFresh(Noon));
        var ahead = ImportSessions.Decide(new("ada", "t", Noon.AddDays(7), CreatedAt: Noon.AddDays(3)), "s1", "hash", "handle", "import", Options, Noon);
        Assert.Equal((Noon, "import", true), (ahead.At, ahead.Method, ahead.Remember));
    }
}

public sealed class ImportedSessionsOverHttp(SessionsApp app) : IClassFixture<SessionsApp>
{
    [Fact]
    public async Task Whoever_came_with_a_token_before_it_was_imported_is_signed_in_once_it_is()
    {
        var person = await app.Registered();
        var token = $"from-elsewhere-{Guid.NewGuid():N}";
        var browser = app.Browser();
        browser.Put(SessionsApp.Cookie, app.Sign(token));
        var cookie = browser.CookieHeader;
        Task<ScenarioResult> Check() => app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/get-session");
            _.WithRequestHeader("Cookie", cookie);
        });
        for (var i = 0; i < 3; i++)
            Assert.Equal("null", (await Check()).Body);

        await app.Send(new Contracts.ImportSessions([new(person.Id, token, app.Clock.GetUtcNow().AddHours(3))], "import"));

        await SessionsApp.Sees(async () => (await Check()).Body.Contains(person.Id, StringComparison.Ordinal));
    }
}
