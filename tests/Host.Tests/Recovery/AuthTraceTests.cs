using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class AuthTraceTests
{
    private const string Password = "four unlikely words 1";

    [Fact]
    public async Task Each_step_of_a_sign_in_is_told_where_it_is_asked_for_and_no_secret_is()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await RunningHost.Start(database.ConnectionString, ("Auth:Debug", "true"));
        var ada = await host.SignUp("ada@example.com", Password);
        var again = await host.SignIn("ada@example.com", Password);
        await host.Ask(HttpMethod.Post, "/api/auth/sign-in/email", new { email = "ada@example.com", password = "quite wrong, that" }, new CookieJar());
        await host.Ask(HttpMethod.Post, "/api/auth/sign-in/email", new { email = "nobody@example.com", password = "quite wrong, that" }, new CookieJar());
        var said = host.Log.Of("Modular.Auth");

        foreach (var step in (string[])
            [
                "origin and redirects: trusted", "user: found", "user: unknown, about address ", "password: right", "password: wrong", "password: none stored", "decision: wrong_password",
                "decision: unknown_address", "second factor: none", "session.started.1: done", "sign_in.failed.1: refused",
                "cookie: set, about nobody better-auth.session_token; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax",
            ])
        {
            Assert.Contains(said, line => line.Contains(step, StringComparison.Ordinal));
        }

        var all = string.Join('\n', said);
        string[] secrets = [Password, "quite wrong", "ada@", "nobody@", "127.0.0.1:1", ada["better-auth.session_token"], again["better-auth.session_token"], .. Tokens(ada), .. Tokens(again)];
        foreach (var secret in secrets)
            Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_told_where_nobody_asked_for_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await RunningHost.Start(database.ConnectionString, ("Logging:LogLevel:Default", "Trace"));
        await host.SignUp("ada@example.com", Password);
        Assert.Empty(host.Log.Of("Modular.Auth"));
    }

    [Fact]
    public async Task A_misspelt_setting_and_a_proxy_that_nobody_named_are_told_once()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await RunningHost.Start(database.ConnectionString, ("Auth:RequireEmailVerificaton", "true"));
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.9");
        for (var request = 0; request < 3; request++)
            (await client.GetAsync($"{host.Url}/healthz/live")).Dispose();
        Assert.Single(host.Log.Warnings, line => line.Contains("Auth:RequireEmailVerificaton is no setting", StringComparison.Ordinal));
        Assert.Single(host.Log.Warnings, line => line.Contains("Auth:TrustedProxies", StringComparison.Ordinal) && !line.Contains("203.0.113.9", StringComparison.Ordinal));
    }

    private static string[] Tokens(CookieJar jar) => Uri.UnescapeDataString(jar["better-auth.session_token"]).Split('.');
}
