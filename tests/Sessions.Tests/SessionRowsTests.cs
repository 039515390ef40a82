using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Sessions.Tests;

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
}
