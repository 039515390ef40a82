using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class SeveralNodesTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private static Task<ScenarioResult> GetSession(App node, Device device) => node.Scenario(_ =>
    {
        _.Get.Url("/api/auth/get-session");
        _.WithRequestHeader("Cookie", device.Browser.CookieHeader);
    });

    [Fact]
    public async Task A_session_revoked_on_one_node_is_dead_on_the_other_too()
    {
        var other = await app.AnotherNode();
        try
        {
            for (var round = 0; round < 10; round++)
            {
                var laptop = await app.SignedIn();
                var phone = await app.SignedIn(laptop.Person, "Phone/1");
                Assert.Contains(phone.SessionId, (await GetSession(other, phone)).Body, StringComparison.Ordinal);

                await app.Post(laptop.Browser, "/api/auth/revoke-session", new { token = phone.Token });

                await SessionsApp.Sees(async () => (await GetSession(other, phone)).Body == "null");
                var dead = await GetSession(other, phone);
                Assert.Equal("null", dead.Body);
                SessionsApp.AssertCleared(dead);
                Assert.Contains(laptop.SessionId, (await GetSession(other, laptop)).Body, StringComparison.Ordinal);
            }
        }
        finally
        {
            await other.DisposeAsync();
        }
    }
}
