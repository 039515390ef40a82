using Modular.Sessions.Contracts;
using Modular.Testing;
using Npgsql;

namespace Modular.Sessions.Tests;

public sealed class SessionStatisticsTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    [Fact]
    public async Task They_count_what_lives_what_is_over_and_how_long_it_lasted()
    {
        await app.Send(new Contracts.CleanUpSessions());
        var before = await app.Send(new Contracts.CountSessions(2));
        var ada = await app.SignedIn(userAgent: Firefox);
        await app.SignedIn(ada.Person, userAgent: Firefox);
        var eve = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(1));
        await app.Post(eve.Browser, "/api/auth/sign-out", new { });

        var after = await app.Send(new Contracts.CountSessions(2));
        Assert.Equal((before.Active + 2, before.Users + 1), (after.Active, after.Users));
        Assert.Equal(2, Of(after, "Firefox on Linux") - Of(before, "Firefox on Linux"));
        Assert.Equal(3, after.ByDay.Sum(day => day.Started) - before.ByDay.Sum(day => day.Started));
        Assert.Equal(1, after.ByDay.Sum(day => day.Ended) - before.ByDay.Sum(day => day.Ended));

        app.Clock.Advance(TimeSpan.FromHours(9));
        Assert.Equal((0, after.Active + after.Expired), ((await app.Send(new Contracts.CountSessions(2))).Active, (await app.Send(new Contracts.CountSessions(2))).Expired));
        await app.Send(new Contracts.CleanUpSessions());
        // Eight hours, however long it took until somebody noticed; the one that signed out, one.
        var length = await app.Sql("""
            select round(avg(extract(epoch from coalesce((e.data ->> 'expiredAt')::timestamptz, e.timestamp) - b.timestamp)))::bigint from sessions.mt_events e
            join sessions.mt_events b on b.stream_id = e.stream_id and b.version = 1 where e.version = 2
            """);
        Assert.Equal(length[0][0], (await app.Send(new Contracts.CountSessions(366))).AverageSeconds);
    }

    [Fact]
    public void Days_without_sessions_are_days_too()
    {
        var days = CountSessions.EveryDay([new(new DateOnly(2026, 1, 2), 3, 1)], Some.Noon, 3);
        Assert.Equal([new(new DateOnly(2026, 1, 1), 0, 0), new(new DateOnly(2026, 1, 2), 3, 1), new SessionsOfDay(new DateOnly(2026, 1, 3), 0, 0)], days);
    }

    [Fact]
    public void Many_agents_are_few_devices() => Assert.Equal(
        [new("Firefox on Linux", 5), new("an unknown program", 3), new SessionsOfDevice("curl", 0)],
        CountSessions.Devices([(Firefox, 2), (Firefox.Replace("140", "141", StringComparison.Ordinal), 3), ("curl/8", 1), ("", 2)]).Append(new SessionsOfDevice("curl", 0)));

    [Theory]
    [InlineData(null, 14)]
    [InlineData("1", 1)]
    [InlineData("0", null)]
    [InlineData("367", null)]
    [InlineData("many", null)]
    public void Days_are_bounded(string? text, int? days) => Assert.Equal(days, CountSessions.Days(text));

    [Fact]
    public async Task Administrators_read_them_and_nobody_else()
    {
        var answer = await app.Get(await Root(), "/api/sessions/stats?days=3");
        Assert.Equal(200, answer.Status);
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal(3, answer.Json().GetProperty("byDay").GetArrayLength());
        var wrong = await app.Get(await Root(), "/api/sessions/stats?days=many");
        Assert.Equal((400, "validation_failed", "days"), (wrong.Status, Code(wrong), wrong.Json().GetProperty("details")[0].GetProperty("field").GetString()));
        var forbidden = await app.Get((await app.SignedIn()).Browser, "/api/sessions/stats");
        Assert.Equal((403, "forbidden"), (forbidden.Status, Code(forbidden)));
        Assert.Equal(401, (await app.Get(app.Browser(), "/api/sessions/stats")).Status);
    }

    [Fact]
    public async Task A_cleanup_that_is_asked_for_is_the_act_of_whoever_asked()
    {
        var old = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(9));
        var root = await Root();
        var answer = await app.Post(root, "/api/sessions/cleanup", new { });
        Assert.True(answer.Status == 200, answer.Body);
        Assert.True(answer.Json().GetProperty("ended").GetInt64() >= 1);
        Assert.True(answer.Json().GetProperty("done").GetBoolean());
        Assert.Null(await app.Row(old.SessionId));
        var expired = (await app.Events(old.SessionId))[^1];
        var admin = (await app.GetSession(root)).Json().GetProperty("user").GetProperty("id").GetString();
        Assert.Equal(("session.expired.1", admin), (expired.EventTypeName, expired.Metadata.Actor));
        Assert.Equal(0, (await app.Post(root, "/api/sessions/cleanup", new { })).Json().GetProperty("ended").GetInt64());
        Assert.Equal(403, (await app.Post((await app.SignedIn()).Browser, "/api/sessions/cleanup", new { })).Status);
    }

    [Fact]
    public async Task While_another_is_at_it_a_cleanup_is_refused()
    {
        var root = await Root();
        await using var other = new NpgsqlConnection(app.ConnectionString);
        await other.OpenAsync();
        await using var hold = new NpgsqlCommand("select pg_advisory_lock(hashtextextended('sessions/prune', 0))", other);
        await hold.ExecuteNonQueryAsync();
        var answer = await app.Post(root, "/api/sessions/cleanup", new { });
        Assert.Equal((409, "cleanup_running"), (answer.Status, Code(answer)));
    }

    private static long Of(SessionStatistics statistics, string device) => statistics.Devices.SingleOrDefault(known => known.Device == device)?.Sessions ?? 0;

    private static string? Code(ScenarioResult answer) => answer.Json().GetProperty("code").GetString();

    private async Task<Browser> Root()
    {
        var person = await app.Registered();
        await app.Sql("update identity.mt_doc_user set role = 'admin', data = jsonb_set(data, '{role}', '\"admin\"') where id = $1", person.Id);
        return (await app.SignedIn(person)).Browser;
    }
}
