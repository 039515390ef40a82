using System.Security.Cryptography;
using System.Text;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>
/// What stands in the place of another session's token names that session and is good for nothing else: not even signed
/// with the server's own secret.
/// </summary>
public sealed class HandleTests(App app) : IClassFixture<App>
{
    private const string Secret = "a secret for tests, long enough to be one";

    /// <summary>Everywhere that a token of any kind can be shown: the method, the path, the body, the headers.</summary>
    public static TheoryData<string, string, string?, string?> Ways
    {
        get
        {
            var ways = new TheoryData<string, string, string?, string?>();
            foreach (var form in new[] { "{handle}", "{signed}", "{forged}" })
            {
                foreach (var path in new[] { "/get-session", "/list-sessions", "/list-accounts", "/token", "/one-time-token/generate", "/get-session?disableCookieCache=true" })
                {
                    ways.Add("GET", path, null, $"Cookie: better-auth.session_token={form}");
                    ways.Add("GET", path, null, $"Cookie: __Secure-better-auth.session_token={form}");
                    ways.Add("GET", path, null, $"Cookie: better-auth.admin_session={form}");
                    ways.Add("GET", path, null, $"Authorization: Bearer {form}");
                    ways.Add("GET", path, null, $"x-api-key: {form}");
                }

                ways.Add("POST", "/update-user", """{"name":"A thief"}""", $"Authorization: Bearer {form}");
                ways.Add("POST", "/update-user", """{"name":"A thief"}""", $"Cookie: better-auth.session_token={form}");
            }

            foreach (var (path, body) in new[]
            {
                ("/one-time-token/verify", """{"token":"{handle}"}"""),
                ("/reset-password", """{"token":"{handle}","newPassword":"set by a thief 12"}"""),
                ("/sign-in/email-otp", """{"email":"ada.handle@example.com","otp":"{handle}"}"""),
                ("/email-otp/verify-email", """{"email":"ada.handle@example.com","otp":"{handle}"}"""),
                ("/multi-session/set-active", """{"sessionToken":"{handle}"}"""),
                ("/two-factor/verify-totp", """{"code":"{handle}"}"""),
                ("/two-factor/verify-backup-code", """{"code":"{handle}"}"""),
                ("/sign-in/email", """{"email":"ada.handle@example.com","password":"{handle}"}"""),
                ("/sign-in/social", """{"provider":"github","idToken":{"token":"{handle}"}}"""),
            })
                ways.Add("POST", path, body, null);

            foreach (var path in new[]
            {
                "/verify-email?token={handle}", "/verify-email?token={handle}&callbackURL=/", "/magic-link/verify?token={handle}",
                "/reset-password/{handle}?callbackURL=/reset", "/delete-user/callback?token={handle}", "/callback/github?code=x&state={handle}",
            })
                ways.Add("GET", path, null, null);
            return ways;
        }
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task A_handle_is_no_credential(string method, string path, string? body, string? header)
    {
        var handle = (await Somebody()).Handle;
        using var answer = await Ask(method, path, body, header, handle);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode < 500, $"{answer.StatusCode} {text}");
        Assert.DoesNotContain(SetCookies(answer), cookie => cookie.Contains("session_token=", StringComparison.Ordinal) && !cookie.Contains("Max-Age=0", StringComparison.Ordinal));
        Assert.True(text is "null" or "" || !answer.IsSuccessStatusCode, text);
        Assert.DoesNotContain("token=", answer.Headers.Location?.ToString() ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_in_its_place_would_be_one()
    {
        // Shows that the ways above can tell.
        var ada = await Somebody();
        using var answer = await Ask("GET", "/get-session", null, "Cookie: better-auth.session_token={signed}", ada.Token);
        Assert.Contains("\"session\":{", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handle_names_the_session_to_end()
    {
        var ada = await Somebody();
        await app.Scenario(_ => _.As(ada.Here).Post.Json(new { token = ada.Handle }).ToUrl("/api/auth/revoke-session"));
        using var there = await Ask("GET", "/get-session", null, "Cookie: better-auth.session_token={signed}", ada.TokenThere);
        Assert.Equal("null", await there.Content.ReadAsStringAsync());
        using var here = await Ask("GET", "/get-session", null, "Cookie: better-auth.session_token={signed}", ada.Token);
        Assert.NotEqual("null", await here.Content.ReadAsStringAsync());
    }

    private sealed record Person(Browser Here, string Token, string TokenThere, string Handle);

    /// <summary>Somebody on two devices, who sees the other one's handle on this one.</summary>
    private async Task<Person> Somebody()
    {
        var email = $"{Guid.NewGuid():n}@example.com";
        var (here, there) = (app.Browser(), app.Browser());
        var first = await app.Scenario(_ => _.As(here).Post.Json(new { name = "Ada", email, password = "quite unlikely 1" }).ToUrl("/api/auth/sign-up/email"));
        var second = await app.Scenario(_ => _.As(there).Post.Json(new { email, password = "quite unlikely 1" }).ToUrl("/api/auth/sign-in/email"));
        var (token, tokenThere) = (first.Json().GetProperty("token").GetString()!, second.Json().GetProperty("token").GetString()!);
        var sessions = await app.Scenario(_ => _.As(here).Get.Url("/api/auth/list-sessions"));
        var handle = sessions.Json().EnumerateArray().Select(session => session.GetProperty("token").GetString()!).Single(shown => shown != token);
        Assert.NotEqual(tokenThere, handle);
        return new Person(here, token, tokenThere, handle);
    }

    private async Task<HttpResponseMessage> Ask(string method, string path, string? body, string? header, string token)
    {
        string Put(string text) => text.Replace("{handle}", token, StringComparison.Ordinal)
            .Replace("{signed}", Sign(token, Secret), StringComparison.Ordinal)
            .Replace("{forged}", Sign(token, "another secret, which is not the server's"), StringComparison.Ordinal);

        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{app.Url}/api/auth{Put(path)}");
        request.Headers.Add("Origin", app.Url);
        if (body is not null)
            request.Content = new StringContent(Put(body), Encoding.UTF8, "application/json");
        if (header?.Split(": ", 2) is [var name, var value])
            Assert.True(request.Headers.TryAddWithoutValidation(name, Put(value)));
        return await client.SendAsync(request);
    }

    private static string Sign(string token, string secret) => Uri.EscapeDataString(
        $"{token}.{Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(token)))}");

    private static IEnumerable<string> SetCookies(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Set-Cookie", out var cookies) ? cookies : [];
}
