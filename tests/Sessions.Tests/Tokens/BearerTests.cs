using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class BearerTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    [Fact]
    public async Task The_signed_token_the_percent_encoded_one_and_the_bare_one_all_stand_for_the_session()
    {
        var laptop = await app.SignedIn();
        foreach (var value in new[] { app.Sign(laptop.Token), Uri.UnescapeDataString(app.Sign(laptop.Token)), laptop.Token })
        {
            foreach (var scheme in new[] { "Bearer", "bearer", "BEARER" })
                Assert.Equal(laptop.SessionId, IdOf(await Check($"{scheme} {value}")));
        }
    }

    [Fact]
    public async Task A_token_goes_before_the_cookie_and_a_wrongly_signed_one_is_ignored()
    {
        var (laptop, phone) = (await app.SignedIn(), await app.SignedIn());

        Assert.Equal(phone.SessionId, IdOf(await Check($"Bearer {phone.Token}", laptop)));
        Assert.Equal(laptop.SessionId, IdOf(await Check($"Bearer {app.Sign(phone.Token)[..^6]}AAA%3D", laptop)));
        Assert.Equal(laptop.SessionId, IdOf(await Check("Bearer a.b.c", laptop)));
        Assert.Equal(laptop.SessionId, IdOf(await Check("Basic YTpi", laptop)));
        Assert.Equal(laptop.SessionId, IdOf(await Check("Bearer  ", laptop)));
    }

    [Fact]
    public async Task An_unknown_token_is_nobody_whatever_the_cookie_says_and_the_cookies_go()
    {
        var laptop = await app.SignedIn();
        var row = (await app.Row(laptop.SessionId))!;
        foreach (var unknown in new[] { "nope", row.Handle, row.TokenHash, row.Id })
        {
            var answer = await Check($"Bearer {unknown}", laptop);
            Assert.Equal("null", answer.Body);
            SessionsApp.AssertCleared(answer);
        }

        Assert.True(await app.IsSignedIn(laptop));
    }

    [Fact]
    public async Task A_sign_in_answers_with_the_token_that_works_as_bearer_and_exposes_it()
    {
        var answer = await app.SignIn(await app.Registered(), app.Browser());

        var token = answer.Header("set-auth-token")!;
        Assert.Equal("set-auth-token", answer.Header("access-control-expose-headers"));
        Assert.Contains($"{SessionsApp.Cookie}={Uri.EscapeDataString(token)};", answer.SetCookies[0], StringComparison.Ordinal);
        Assert.StartsWith(answer.Json().GetProperty("token").GetString()! + ".", token, StringComparison.Ordinal);
        Assert.NotEqual("null", (await Check($"Bearer {token}")).Body);
    }

    [Fact]
    public async Task A_post_without_a_cookie_needs_no_origin_and_with_one_does()
    {
        var laptop = await app.SignedIn();
        Task<ScenarioResult> Update(Action<Scenario> more) => app.Scenario(_ =>
        {
            _.Post.Json(new { name = "Ada L." }).ToUrl("/api/auth/update-user");
            _.WithRequestHeader("Authorization", $"Bearer {laptop.Token}");
            more(_);
            _.IgnoreStatusCode();
        });

        var answer = await Update(_ => { });
        Assert.Equal((200, """{"status":true}"""), (answer.Status, answer.Body));
        Assert.StartsWith(laptop.Token + ".", answer.Header("set-auth-token"), StringComparison.Ordinal);
        Assert.Equal(403, (await Update(_ => _.WithRequestHeader("Cookie", "a=b"))).Status);
    }

    [Fact]
    public async Task Signing_out_by_token_ends_its_session_and_answers_no_token()
    {
        var laptop = await app.SignedIn();

        var answer = await app.Scenario(_ =>
        {
            _.Post.Json(new { }).ToUrl("/api/auth/sign-out");
            _.WithRequestHeader("Authorization", $"Bearer {laptop.Token}");
        });

        Assert.Null(answer.Header("set-auth-token"));
        Assert.False(await app.IsSignedIn(laptop));
        Assert.Equal("null", (await Check($"Bearer {laptop.Token}")).Body);
    }

    private Task<ScenarioResult> Check(string authorization, Device? cookieOf = null) => app.Scenario(_ =>
    {
        if (cookieOf is not null)
            _.As(app.Again(cookieOf).Browser);
        _.Get.Url("/api/auth/get-session");
        _.WithRequestHeader("Authorization", authorization);
    });

    private static string? IdOf(ScenarioResult answer) => answer.Json().GetProperty("session").GetProperty("id").GetString();
}
