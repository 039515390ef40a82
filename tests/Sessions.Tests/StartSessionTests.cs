using System.Text;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions.Tests;

public sealed class StartSessionTests
{
    private static readonly Caller Caller = new() { IpAddress = "203.0.113.7", UserAgent = "Laptop/1" };

    [Theory]
    [InlineData(true, 8, 720, 8)]
    [InlineData(true, 8, 8, 8)]
    [InlineData(false, 8, 720, 24)]
    [InlineData(false, 100, 720, 24)]
    [InlineData(false, 2, 12, 12)]
    public void It_lives_as_long_as_configured_or_a_day_when_not_remembered(bool remember, int lifetime, int most, int expected)
    {
        var options = new AuthOptions { SessionLifetime = TimeSpan.FromHours(lifetime), SessionMaxLifetime = TimeSpan.FromHours(most) };

        var started = StartSession.Decide(
            new Contracts.StartSession("ada", remember, "password"), Caller, "5e55", Some.Token, "handle", options, Some.Noon);

        Assert.Equal(
            new SessionStarted(
                "5e55", "ada", Some.Token.HashText, "handle", remember, "password", Some.Noon.AddHours(expected), "203.0.113.7", "Laptop/1", Some.Noon),
            started);
    }

    [Fact]
    public void The_oldest_have_to_go()
    {
        var live = Enumerable.Range(1, 3).Select(hour => Some.Session with { Id = $"{hour}", CreatedAt = Some.Noon.AddHours(hour) }).ToList();

        Assert.Equal(["1"], StartSession.Oldest(live, 2));
        Assert.Equal(["3", "2", "1"], StartSession.Oldest(live, 0));
        Assert.Empty(StartSession.Oldest(live, 3));
    }
}

public sealed class StartSessionInTheDatabase(SessionsApp app) : IClassFixture<SessionsApp>
{
    [Fact]
    public async Task It_answers_what_a_cookie_needs()
    {
        var person = await app.Registered();

        var remembered = await app.Send(new Contracts.StartSession(person.Id, true, "password"));
        var forgotten = await app.Send(new Contracts.StartSession(person.Id, false, "password"));

        Assert.Equal((TimeSpan.FromHours(8), null), (remembered.CookieLifetime, forgotten.CookieLifetime));
        Assert.Matches("^[0-9a-f]{32}$", remembered.SessionId);
        Assert.Matches("^[A-Za-z0-9_-]{43}$", remembered.Token);
        Assert.NotEqual(remembered.Token, forgotten.Token);
    }

    [Fact]
    public async Task It_joins_the_unit_of_work_of_whoever_asks()
    {
        var person = await app.Registered();
        await using var scope = app.Services.CreateAsyncScope();
        Assert.True(scope.ServiceProvider.GetRequiredService<UnitOfWork>().TryEnter());
        var started = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new Contracts.StartSession(person.Id, true, "password"));

        Assert.Null(await app.Row(started.SessionId));
        await scope.ServiceProvider.GetRequiredService<IDocumentSession>().SaveChangesAsync();
        Assert.NotNull(await app.Row(started.SessionId));
    }

    [Fact]
    public async Task Where_it_came_from_is_personal_data()
    {
        var laptop = await app.SignedIn(userAgent: "Very special browser");

        var started = Assert.IsType<SessionStarted>(Assert.Single(await app.Events(laptop.SessionId)).Data);
        Assert.Equal(("127.0.0.1", "Very special browser"), (started.IpAddress, started.UserAgent));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_events where data::text || encode(canonical, 'escape') like '%Very special%'"));
    }

    [Fact]
    public async Task No_token_is_anywhere_in_the_database()
    {
        var laptop = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(2));
        var phone = await app.SignedIn(laptop.Person, "Phone/1");
        await app.GetSession(laptop.Browser);
        await app.Post(laptop.Browser, "/api/auth/revoke-session", new { token = phone.Token });

        var dump = await Dump();

        Assert.Contains(new SessionToken(laptop.Token).HashText, dump, StringComparison.Ordinal);
        foreach (var token in new[] { laptop.Token, phone.Token })
        {
            var text = Encoding.ASCII.GetBytes(token);
            var bits = Convert.FromBase64String(token.Replace('-', '+').Replace('_', '/') + "=");
            Assert.All(
                [token, Convert.ToHexStringLower(text), Convert.ToBase64String(text).TrimEnd('='), Convert.ToHexStringLower(bits), Convert.ToBase64String(bits)],
                form => Assert.DoesNotContain(form, dump, StringComparison.OrdinalIgnoreCase));
        }
    }

    // Every row of every table as text; bytes as hexadecimal digits.
    private async Task<string> Dump()
    {
        var dump = new StringBuilder();
        foreach (var table in await app.Sql("""
            select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)'
            """))
        {
            foreach (var row in await app.Sql($"select t::text from {table[0]} t"))
                dump.AppendLine((string)row[0]!);
        }

        return dump.ToString();
    }
}

public sealed class LimitedApp() : SessionsApp(new Dictionary<string, string?> { ["Auth:MaxSessionsPerUser"] = "3" });

public sealed class SessionLimitInTheDatabase(LimitedApp app) : IClassFixture<LimitedApp>
{
    [Fact]
    public async Task One_more_than_allowed_ends_the_oldest()
    {
        var person = await app.Registered();
        var devices = new List<Device>();
        for (var i = 0; i < 5; i++)
        {
            devices.Add(await app.SignedIn(person, $"Device/{i}"));
            app.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        var live = new List<bool>();
        foreach (var device in devices)
            live.Add(await app.IsSignedIn(device));
        Assert.Equal([false, false, true, true, true], live);
        Assert.Equal(["session.started.1 password", "session.revoked.1 session_limit"], await app.History(devices[0].SessionId));
    }

    [Fact]
    public async Task Sessions_that_are_over_take_no_place()
    {
        var person = await app.Registered();
        for (var i = 0; i < 3; i++)
            await app.SignedIn(person);
        app.Clock.Advance(TimeSpan.FromHours(9));

        var laptop = await app.SignedIn(person);

        Assert.Equal(4, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", person.Id));
        Assert.True(await app.IsSignedIn(laptop));
    }

    [Fact]
    public async Task Other_people_have_places_of_their_own()
    {
        var ada = await app.SignedIn();
        var grace = await app.Registered("Grace");
        for (var i = 0; i < 4; i++)
            await app.SignedIn(grace);

        Assert.True(await app.IsSignedIn(ada));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Signing_in_in_parallel_never_leaves_more_than_allowed(int before)
    {
        var person = await app.Registered();
        for (var i = 0; i < before; i++)
            await app.SignedIn(person);

        var attempts = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => app.SignIn(person, app.Browser(), status: null)));

        // Whoever loses the race twice is told to try again; nobody who was let in makes one too many.
        Assert.All(attempts, attempt => Assert.True(attempt.Status is 200 or 409, attempt.Body));
        Assert.Contains(attempts, attempt => attempt.Status == 200);
        Assert.Equal(
            Math.Min(3, before + attempts.Count(attempt => attempt.Status == 200)),
            await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", person.Id));
    }
}
