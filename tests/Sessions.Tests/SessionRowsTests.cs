using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Sessions.Tests;

public sealed class NothingRemembered() : SessionsApp(new() { ["Sessions:TableMegabytes"] = "0" });

public sealed class NothingRememberedTests(NothingRemembered app) : IClassFixture<NothingRemembered>
{
    [Fact]
    public async Task Without_a_table_every_check_asks_the_database()
    {
        var laptop = await app.SignedIn();
        for (var i = 0; i < 3; i++)
            Assert.True(await app.IsSignedIn(laptop));
        Assert.Equal(0, app.Services.GetRequiredService<LiveSessions>().Count);

        await app.Sql("delete from sessions.mt_doc_session where id = $1", laptop.SessionId);

        Assert.False(await app.IsSignedIn(laptop));
        Assert.Equal(0, app.Services.GetRequiredService<LiveSessionsMetrics>().Hits);
    }
}

public sealed class SessionRowsTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    [Fact]
    public async Task Rows_made_again_from_the_events_are_the_same_byte_for_byte()
    {
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person, "Phone/1", remember: false);
        var tablet = await app.SignedIn(laptop.Person, "Tablet/1");
        app.Clock.Advance(TimeSpan.FromHours(2));
        await app.GetSession(laptop.Browser);
        await app.Post(laptop.Browser, "/api/auth/revoke-session", new { token = tablet.Token });
        var grace = await app.SignedIn(await app.Registered("Grace"));
        await app.Post(grace.Browser, "/api/auth/revoke-session", new { token = phone.Token });
        await app.Post(grace.Browser, "/api/auth/sign-out", new { });

        var result = await app.Services.GetRequiredService<ProjectionRebuild>()
            .RebuildProjectionAsync("sessions.mt_doc_session", compare: true);

        Assert.Equal((2L, (long?)0), (result.Rows, result.Different));
        Assert.Equal((true, true), (await app.IsSignedIn(laptop), await app.IsSignedIn(phone)));
    }

    [Fact]
    public async Task A_row_of_a_version_that_had_fewer_columns_is_answered_in_the_same_way()
    {
        var laptop = await app.SignedIn();
        var now = (await app.GetSession(laptop.Browser)).Body;

        await app.Sql("""
            update sessions.mt_doc_session set remember = null, method = null, created_at = null, updated_at = null, ip_address = null,
                user_agent = null, active_team_id = null
            where id = $1
            """, laptop.SessionId);
        app.Services.GetRequiredService<LiveSessions>().Forget(LiveSessions.Everybody);

        Assert.Equal(now, (await app.GetSession(laptop.Browser)).Body);
    }
}
