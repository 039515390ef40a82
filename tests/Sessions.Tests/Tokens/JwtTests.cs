using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class JwtOnGetSession() : SessionsApp(new() { ["Jwt:OnGetSession"] = "true" });

public sealed class JwtTests(JwtOnGetSession app) : IClassFixture<JwtOnGetSession>
{
    [Fact]
    public async Task It_says_who_is_signed_in_and_is_signed_by_a_published_key()
    {
        var laptop = await app.SignedIn();

        var token = await Ask(app, laptop);

        var (header, claims) = await Check(app, token);
        Assert.Equal(["alg", "kid"], header.EnumerateObject().Select(member => member.Name));
        Assert.Equal("ES256", header.GetProperty("alg").GetString());
        Assert.Equal((laptop.Person.Id, laptop.Person.Id, laptop.SessionId), (Text(claims, "sub"), Text(claims, "id"), Text(claims, "sid")));
        Assert.Equal((app.Url, app.Url, laptop.Person.Email), (Text(claims, "iss"), Text(claims, "aud"), Text(claims, "email")));
        Assert.Equal(JsonValueKind.Null, claims.GetProperty("org").ValueKind);
        Assert.Equal(900, claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64());
        Assert.InRange(claims.GetProperty("iat").GetInt64() - app.Clock.GetUtcNow().ToUnixTimeSeconds(), -10, 1);
        Assert.Equal(401, (await app.Get(app.Browser(), "/api/auth/token")).Status);
    }

    [Fact]
    public void It_never_outlives_its_session()
    {
        var live = new LiveSession(Some.Token, Some.Session with { ExpiresAt = Some.Noon.AddMinutes(4), ActiveOrganizationId = "org" }, Ada);

        var claims = SessionJwt.Claims(live, "https://here", Some.Noon);

        Assert.Equal(Some.Noon.AddMinutes(4).ToUnixTimeSeconds(), (long)claims["exp"]!);
        Assert.Equal("org", (string)claims["org"]!);
    }

    [Fact]
    public async Task Get_session_brings_one_along_whichever_way_it_is_answered_and_signs_it_anew_after_five_minutes()
    {
        var laptop = await app.SignedIn();
        await app.GetSession(laptop.Browser);
        async Task<string?> Attached(string query = "")
        {
            var answer = await app.GetSession(app.Again(laptop).Browser, query);
            Assert.Equal("set-auth-jwt", answer.Header("access-control-expose-headers"));
            return answer.Header("set-auth-jwt");
        }

        // The browser sends its origin; this one does not, and is answered from memory.
        async Task<ScenarioResult> Plain() => await app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/get-session");
            _.WithRequestHeader("Cookie", laptop.Browser.CookieHeader);
        });

        var first = await Attached();
        await Check(app, first!);
        Assert.Equal(first, await Attached("?disableRefresh=true"));
        Assert.Equal(first, (await Plain()).Header("set-auth-jwt"));
        Assert.Equal("set-auth-jwt", (await Plain()).Header("access-control-expose-headers"));

        app.Clock.Advance(TimeSpan.FromMinutes(5));
        var second = (await Plain()).Header("set-auth-jwt");
        Assert.NotEqual(first, second);
        await Check(app, second!);
        Assert.Null((await app.GetSession(app.Browser())).Header("set-auth-jwt"));
    }

    [Fact]
    public async Task A_change_of_the_user_is_in_the_next_one_at_once()
    {
        var laptop = await app.SignedIn();
        await app.GetSession(laptop.Browser);

        await app.Post(laptop.Browser, "/api/auth/update-user", new { name = "Countess" });

        Assert.Equal("Countess", Text((await Check(app, (await app.GetSession(laptop.Browser)).Header("set-auth-jwt")!)).Claims, "name"));
    }

    [Fact]
    public async Task Keys_are_published_without_secrets_and_may_be_kept_for_a_while()
    {
        await Ask(app, await app.SignedIn());

        var answer = await app.Get(app.Browser(), "/api/auth/jwks");

        Assert.Equal("public, max-age=300", answer.Header("cache-control"));
        Assert.All(
            answer.Json().GetProperty("keys").EnumerateArray(),
            key => Assert.Equal(["alg", "crv", "x", "y", "kty", "kid"], key.EnumerateObject().Select(member => member.Name)));
    }

    [Fact]
    public async Task It_is_no_session_here()
    {
        var token = await Ask(app, await app.SignedIn());

        var answer = await app.Scenario(_ =>
        {
            _.Get.Url("/api/auth/get-session");
            _.WithRequestHeader("Authorization", $"Bearer {token}");
        });

        Assert.Equal("null", answer.Body);
        Assert.Empty(answer.SetCookies);
    }

    [Fact]
    public void A_replaced_key_is_published_for_a_while()
    {
        var first = new SigningKey("a", "", "x", "y", "s", Some.Noon);
        var second = new SigningKey("b", "a", "x", "y", "s", Some.Noon.AddDays(90));
        SigningKey[] keys = [first, second];

        Assert.Equal(second, SigningKey.Newest(keys));
        Assert.Null(SigningKey.Newest([]));
        Assert.Equal([second, first], SigningKey.Published(keys, TimeSpan.FromDays(1), Some.Noon.AddDays(90.5)));
        Assert.Equal([second], SigningKey.Published(keys, TimeSpan.FromDays(1), Some.Noon.AddDays(91)));
    }

    internal static Identity.Contracts.SessionPrincipal Ada => new(
        "ada", "Ada", "ada@example.com", true, null, Some.Noon, Some.Noon, "user", false, null, null);

    internal static async Task<string> Ask(App app, Device device) => (await app.Scenario(_ =>
    {
        _.Get.Url("/api/auth/token");
        _.WithRequestHeader("Cookie", device.Browser.CookieHeader);
    })).Json().GetProperty("token").GetString()!;

    internal static string? Text(JsonElement claims, string name) => claims.GetProperty(name).GetString();

    /// <summary>As any other service would.</summary>
    internal static async Task<(JsonElement Header, JsonElement Claims)> Check(App app, string token)
    {
        var parts = token.Split('.');
        var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0])).RootElement;
        var keys = (await app.Scenario(_ => _.Get.Url("/api/auth/jwks"))).Json().GetProperty("keys").EnumerateArray();
        var key = keys.Single(key => Text(key, "kid") == Text(header, "kid"));
        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Base64Url.DecodeFromChars(Text(key, "x")), Y = Base64Url.DecodeFromChars(Text(key, "y")) },
        });
        Assert.True(ecdsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256));
        return (header, JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1])).RootElement);
    }
}

public sealed class SigningKeysTests
{
    [Fact]
    public async Task Two_nodes_that_start_at_once_sign_with_one_key_and_rotate_it_once()
    {
        var app = new SessionsApp();
        await app.InitializeAsync();
        var other = await app.AnotherNode();
        try
        {
            const string Count = "select count(*) from sessions.mt_doc_signing_key";
            var laptop = await app.SignedIn();
            var tokens = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => JwtTests.Ask(at % 2 == 0 ? app : other, laptop)));
            Assert.Equal(1, await app.Count(Count));
            Assert.Single(tokens.Select(token => token.Split('.')[0]).Distinct());
            await JwtTests.Check(other, tokens[0]);

            app.Clock.Advance(TimeSpan.FromDays(90));
            other.Clock.Advance(TimeSpan.FromDays(90));
            laptop = await app.SignedIn(laptop.Person);
            var later = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => JwtTests.Ask(at % 2 == 0 ? app : other, laptop)));
            Assert.Equal(2, await app.Count(Count));
            Assert.NotEqual(tokens[0].Split('.')[0], Assert.Single(later.Select(token => token.Split('.')[0]).Distinct()));
            await JwtTests.Check(app, later[0]);
            await JwtTests.Check(app, tokens[0]);
            Assert.Equal(2, await app.Count("select count(*) from sessions.mt_events where type = 'jwt.key_made.1'"));

            app.Clock.Advance(TimeSpan.FromDays(90));
            laptop = await app.SignedIn(laptop.Person);
            await JwtTests.Ask(app, laptop);
            Assert.Equal(2, await app.Count(Count));
        }
        finally
        {
            await other.DisposeAsync();
            await app.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_key_that_was_sealed_with_another_secret_is_replaced()
    {
        var app = new SessionsApp();
        await app.InitializeAsync();
        try
        {
            var laptop = await app.SignedIn();
            var before = await JwtTests.Ask(app, laptop);
            await app.Sql("update sessions.mt_doc_signing_key set data = jsonb_set(data, '{sealed}', '\"AAAA\"') returning 1");
            await app.Restart();

            var after = await JwtTests.Ask(app, laptop);

            Assert.NotEqual(before.Split('.')[0], after.Split('.')[0]);
            await JwtTests.Check(app, after);
        }
        finally
        {
            await app.DisposeAsync();
        }
    }
}
