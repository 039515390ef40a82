using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Passkeys by the public API.</summary>
internal static class PasskeyUse
{
    public const string ChallengeNotFound = """{"message":"Challenge not found","code":"CHALLENGE_NOT_FOUND"}""";
    public const string RegistrationFailed = """{"message":"Failed to verify registration","code":"FAILED_TO_VERIFY_REGISTRATION"}""";
    public const string SignInFailed = """{"message":"Authentication failed","code":"AUTHENTICATION_FAILED"}""";
    public const string NotFound = """{"message":"Passkey not found","code":"PASSKEY_NOT_FOUND"}""";
    public const string NotFresh = """{"message":"Session is not fresh","code":"SESSION_NOT_FRESH"}""";

    public const string ChallengeCookie = "better-auth.better-auth-passkey";

    /// <summary>The truth about a browser on our own page.</summary>
    public static Claims Truth(this App app) => new(app.Url, new Uri(app.Url).Host);

    public static async Task<JsonElement> Registering(this App app, Browser browser, string query = "") =>
        (await app.Scenario(_ => _.As(browser).Get.Url($"/api/auth/passkey/generate-register-options{query}"))).Json();

    public static async Task<JsonElement> SigningIn(this App app, Browser browser) =>
        (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/passkey/generate-authenticate-options"))).Json();

    /// <summary>Brings what an authenticator has made.</summary>
    public static Task<ScenarioResult> Bring(
        this App app, Browser browser, string ceremony, object response, int? status = 200, params (string Name, object? Value)[] more)
    {
        var body = new Dictionary<string, object?> { ["response"] = response };
        foreach (var (name, value) in more)
            body[name] = value;
        return app.AskPasskey(browser, $"verify-{ceremony}", body, status);
    }

    public static Task<ScenarioResult> AskPasskey(this App app, Browser browser, string path, object body, int? status = 200) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(body).ToUrl($"/api/auth/passkey/{path}");
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    /// <summary>The whole ceremony.</summary>
    public static async Task<ScenarioResult> RegisterKey(
        this App app, Browser browser, SoftAuthenticator authenticator, Func<Claims, Claims>? lie = null, int? status = 200,
        params (string Name, object? Value)[] more)
    {
        var options = await app.Registering(browser);
        return await app.Bring(browser, "registration", authenticator.Attest(options, Told(app, lie)), status, more);
    }

    /// <summary>The whole ceremony.</summary>
    public static async Task<ScenarioResult> SignInWith(
        this App app, Browser browser, SoftAuthenticator authenticator, Func<Claims, Claims>? lie = null, int? status = 200)
    {
        var options = await app.SigningIn(browser);
        return await app.Bring(browser, "authentication", authenticator.Assert(options, Told(app, lie)), status);
    }

    public static async Task<JsonElement> PasskeysOf(this App app, Browser browser) =>
        (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/passkey/list-user-passkeys"))).Json();

    public static async Task<bool> HasSession(this App app, Browser browser) =>
        (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Body != "null";

    /// <summary>Acts and reasons of what was refused to a user, in order.</summary>
    public static async Task<IReadOnlyList<string>> PasskeysRefused(this App app, string userId) =>
    [
        .. (await app.Sql(
            "select data ->> 'act', data ->> 'reason' from identity.mt_events where type = 'passkey.refused.1' and data ->> 'userId' = $1 order by seq_id", userId))
            .Select(row => $"{row[0]} {row[1]}"),
    ];

    private static Claims Told(App app, Func<Claims, Claims>? lie) => lie is null ? app.Truth() : lie(app.Truth());
}
