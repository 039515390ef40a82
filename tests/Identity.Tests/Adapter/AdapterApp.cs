using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>A server that an Auth.js application may speak to, with either of two keys.</summary>
public class AdapterApp : App
{
    public const string Key = "the key of an application, long enough";
    public const string PreviousKey = "the key before it, which is long enough";

    public AdapterApp()
        : base(new()
        {
            ["Adapter:ApiKey"] = Key,
            ["Adapter:PreviousApiKey"] = PreviousKey,
            ["Admin:Email"] = AdminApp.Email,
            ["Admin:Password"] = People.Password,
        })
    {
    }
}

/// <summary>What an application asks, by the adapter's routes.</summary>
internal static class Applications
{
    public static Task<ScenarioResult> Call(this App app, string method, object body, int? status = 200, string? key = AdapterApp.Key) => app.Scenario(_ =>
    {
        _.Post.Json(body).ToUrl($"/api/adapter/{method}");
        if (key is not null)
            _.WithRequestHeader("Authorization", $"Bearer {key}");
        _.WithRequestHeader("X-Visitor-IP", "203.0.113.9");
        _.WithRequestHeader("X-Visitor-User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0");
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    /// <summary>What was found or made; null in JSON where there is no such thing.</summary>
    public static async Task<JsonElement> Ask(this App app, string method, object body)
    {
        var answer = (await app.Call(method, body)).Json();
        Assert.Equal(["data"], answer.EnumerateObject().Select(member => member.Name));
        return answer.GetProperty("data");
    }

    public static async Task Finds(this App app, string? expected, string method, object body) =>
        Assert.Equal(expected ?? "null", (await app.Ask(method, body)).GetRawText());

    /// <summary>Somebody new, by the application.</summary>
    public static async Task<string> MadeUser(this App app, string? email = null, string? emailVerified = null) =>
        (await app.Ask("create-user", new { name = "Ada", email = email ?? People.NewAddress(), emailVerified })).Text("id");

    public static object Account(string userId, string providerAccountId, string provider = "keycloak") =>
        new { userId, type = "oidc", provider, providerAccountId };

    public static object Authenticator(string userId, string credentialId) => new
    {
        credentialID = credentialId,
        userId,
        providerAccountId = credentialId,
        credentialPublicKey = "pQECAyY=",
        counter = 0,
        credentialDeviceType = "singleDevice",
        credentialBackedUp = false,
        transports = "internal",
    };

    public static string NewId() => Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16));
}
