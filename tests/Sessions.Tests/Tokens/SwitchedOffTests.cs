namespace Modular.Sessions.Tests;

public sealed class TokensSwitchedOff() : SessionsApp(new()
{
    ["Auth:Groups:bearer"] = "false",
    ["Auth:Groups:jwt"] = "false",
    ["Jwt:OnGetSession"] = "true",
    ["Auth:Groups:multi-session"] = "false",
    ["Auth:Groups:one-time-token"] = "false",
    ["Auth:Groups:last-login-method"] = "false",
});

public sealed class SwitchedOffTests(TokensSwitchedOff app) : IClassFixture<TokensSwitchedOff>
{
    [Fact]
    public async Task Without_the_groups_their_routes_headers_and_cookies_are_not_there()
    {
        var person = await app.Registered();
        var signedIn = await app.SignIn(person, app.Browser());
        var laptop = await app.SignedIn(person);

        Assert.Null(signedIn.Header("set-auth-token"));
        Assert.Null(signedIn.Header("access-control-expose-headers"));
        Assert.Equal(SessionsApp.Cookie, Assert.Single(signedIn.SetCookies).Split('=')[0]);
        Assert.Null((await app.GetSession(laptop.Browser)).Header("set-auth-jwt"));
        foreach (var path in new[] { "token", "jwks", "one-time-token/generate", "multi-session/list-device-sessions" })
        {
            var answer = await app.Get(laptop.Browser, "/api/auth/" + path);
            Assert.Equal((404, ""), (answer.Status, answer.Body));
        }

        var bearer = await app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/get-session");
            _.WithRequestHeader("Authorization", $"Bearer {laptop.Token}");
        });
        Assert.Equal("null", bearer.Body);
    }
}
