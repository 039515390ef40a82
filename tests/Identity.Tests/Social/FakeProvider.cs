using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Somebody at the provider.</summary>
internal sealed record Guest(string Subject, string? Email, bool EmailVerified = true, string? Name = "Guest");

/// <summary>
/// An OpenID Connect issuer in this process. Its refresh tokens are good for one use.
/// </summary>
internal sealed class FakeProvider : IAsyncDisposable
{
    private readonly WebApplication host;
    private readonly ConcurrentDictionary<string, Grant> codes = new();
    private readonly ConcurrentDictionary<string, Grant> refreshTokens = new();
    private readonly ConcurrentDictionary<string, Grant> accessTokens = new();
    private int refreshes;
    private int made;

    private FakeProvider()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        host = builder.Build();
        host.MapGet("/.well-known/openid-configuration", () => Json(new()
        {
            ["issuer"] = Issuer,
            ["authorization_endpoint"] = $"{Issuer}/authorize",
            ["token_endpoint"] = $"{Issuer}/token",
            ["userinfo_endpoint"] = $"{Issuer}/me",
            ["jwks_uri"] = $"{Issuer}/keys",
        }));
        host.MapGet("/keys", () => Json(new() { ["keys"] = new JsonArray(Tokens.Jwk(Tokens.Rsa)) }));
        host.MapPost("/token", (Delegate)Token);
        host.MapGet("/me", (HttpContext context) => accessTokens.TryGetValue(context.Request.Headers.Authorization.ToString()["Bearer ".Length..], out var grant)
            ? Json(new() { ["sub"] = grant.Guest.Subject, ["name"] = grant.Guest.Name, ["email"] = grant.Guest.Email })
            : Json(new() { ["error"] = "invalid_token" }, 401));
    }

    public string Issuer { get; private set; } = "";

    /// <summary>How many times new tokens were given for old ones.</summary>
    public int Refreshes => refreshes;

    /// <summary>How many times a refresh token came a second time.</summary>
    public int Reuses { get; private set; }

    /// <summary>How long the provider thinks before it answers.</summary>
    public TimeSpan Thinks { get; set; }

    /// <summary>How long access tokens live.</summary>
    public int ExpiresIn { get; set; } = 3600;

    /// <summary>The server's, so that a test may move both.</summary>
    public TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <summary>Everything that it ever gave out.</summary>
    public ConcurrentBag<string> Given { get; } = [];

    public static FakeProvider Start()
    {
        var provider = new FakeProvider();
        provider.host.StartAsync().GetAwaiter().GetResult();
        provider.Issuer = provider.host.Urls.First();
        return provider;
    }

    public Dictionary<string, string?> Settings(string id = "fake", params (string Key, string Value)[] more) => new(
        more.Select(pair => KeyValuePair.Create($"Auth:Providers:{id}:{pair.Key}", (string?)pair.Value)))
    {
        [$"Auth:Providers:{id}:Issuer"] = Issuer,
        [$"Auth:Providers:{id}:ClientId"] = "us",
        [$"Auth:Providers:{id}:ClientSecret"] = "our secret",
    };

    /// <summary>The guest says yes to what the address asks; what the browser comes back with.</summary>
    public string Consent(string address, Guest guest)
    {
        var asked = HttpUtility.ParseQueryString(new Uri(address).Query);
        var code = $"code-{Interlocked.Increment(ref made)}";
        codes[code] = new Grant(guest, asked["nonce"]!);
        return $"code={code}&state={asked["state"]}";
    }

    public string IdToken(Guest guest, string? nonce = null)
    {
        var seconds = Clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = "us",
            ["sub"] = guest.Subject,
            ["iat"] = seconds,
            ["exp"] = seconds + 300,
            ["nonce"] = nonce,
            ["email"] = guest.Email,
            ["email_verified"] = guest.EmailVerified,
            ["name"] = guest.Name,
            ["jti"] = $"{Interlocked.Increment(ref made)}",
        };
        return Tokens.Sign(claims);
    }

    public async ValueTask DisposeAsync() => await host.DisposeAsync();

    private static IResult Json(JsonObject body, int status = 200) => Results.Content(body.ToJsonString(), "application/json", statusCode: status);

    private async Task<IResult> Token(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        await Task.Delay(Thinks);
        if (form["grant_type"] == "authorization_code")
            return codes.TryRemove(form["code"].ToString(), out var granted) ? Give(granted, granted.Nonce) : Refused();
        Interlocked.Increment(ref refreshes);
        if (refreshTokens.TryRemove(form["refresh_token"].ToString(), out var grant))
            return Give(grant, null);
        Reuses++;
        return Refused();
    }

    private static IResult Refused() => Json(new() { ["error"] = "invalid_grant" }, 400);

    private IResult Give(Grant grant, string? nonce)
    {
        var (number, idToken) = (Interlocked.Increment(ref made), IdToken(grant.Guest, nonce));
        var (access, refresh) = ($"access-token-number-{number}-of-the-fake", $"refresh-token-number-{number}-of-the-fake");
        (refreshTokens[refresh], accessTokens[access]) = (grant, grant);
        Given.Add(access);
        Given.Add(refresh);
        Given.Add(idToken);
        return Json(new()
        {
            ["access_token"] = access,
            ["refresh_token"] = refresh,
            ["id_token"] = idToken,
            ["token_type"] = "Bearer",
            ["expires_in"] = ExpiresIn,
            ["scope"] = "openid email",
        });
    }

    private sealed record Grant(Guest Guest, string Nonce);
}

/// <summary>A server with providers: <c>fake</c>, and <c>closed</c> and <c>trusted</c>, which are the same one under other rules.</summary>
public class ProviderApp : App
{
    private readonly FakeProvider provider;

    public ProviderApp()
        : this(FakeProvider.Start())
    {
    }

    private ProviderApp(FakeProvider provider, params (string Key, string Value)[] more)
        : base(Settings(provider, more)) => this.provider = provider;

    protected ProviderApp(params (string Key, string Value)[] more)
        : this(FakeProvider.Start(), more)
    {
    }

    internal FakeProvider Provider => provider;

    public override Task InitializeAsync()
    {
        provider.Clock = Clock;
        return base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await provider.DisposeAsync();
    }

    private static Dictionary<string, string?> Settings(FakeProvider provider, (string Key, string Value)[] more)
    {
        var settings = provider.Settings();
        foreach (var (key, value) in provider.Settings("closed", ("ImplicitSignUp", "false")).Concat(provider.Settings("trusted", ("Trusted", "true"))))
            settings[key] = value;
        foreach (var (key, value) in more)
            settings[key] = value;
        return settings;
    }
}

/// <summary>What people do at a provider, in one step each.</summary>
internal static class Guests
{
    private static int made;

    public static Guest New(bool emailVerified = true, string? email = null) =>
        new($"subject-{Interlocked.Increment(ref made)}", email ?? People.NewAddress(), emailVerified);

    /// <summary>To the provider and back; where the browser is sent in the end.</summary>
    public static async Task<string> Visit(
        this ProviderApp app, Browser browser, Guest guest, string provider = "fake", string path = "/api/auth/sign-in/social", bool requestSignUp = false)
    {
        var back = await app.Leave(browser, guest, provider, path, requestSignUp);
        return await app.Return(browser, back);
    }

    /// <summary>To the provider; the address it sends the browser back to.</summary>
    public static async Task<string> Leave(
        this ProviderApp app, Browser browser, Guest guest, string provider = "fake", string path = "/api/auth/sign-in/social", bool requestSignUp = false)
    {
        var body = new { provider, callbackURL = "/dash", errorCallbackURL = "/failed", requestSignUp };
        var left = await app.Scenario(_ => _.As(browser).Post.Json(body).ToUrl(path));
        return $"/api/auth/callback/{provider}?{app.Provider.Consent(left.Json().GetProperty("url").GetString()!, guest)}";
    }

    public static async Task<string> Return(this ProviderApp app, Browser browser, string back)
    {
        var result = await app.Scenario(_ =>
        {
            _.As(browser).Get.Url(back);
            _.StatusCodeShouldBe(302);
        });
        return result.Header("Location")!;
    }

    public static async Task<(Browser Browser, Guest Guest)> SignedInBy(this ProviderApp app, Guest? guest = null)
    {
        var (browser, somebody) = (app.Browser(), guest ?? New());
        Assert.Equal("/dash", await app.Visit(browser, somebody));
        return (browser, somebody);
    }

    public static async Task<string> AccountOf(this App app, Browser browser, string provider = "fake")
    {
        var list = await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/list-accounts"));
        return list.Json().EnumerateArray().Single(account => account.GetProperty("providerId").GetString() == provider).GetProperty("id").GetString()!;
    }

    public static Task<ScenarioResult> Ask(this App app, Browser browser, string path, object body, int status = 200) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(body).ToUrl($"/api/auth/{path}");
        _.StatusCodeShouldBe(status);
    });
}
