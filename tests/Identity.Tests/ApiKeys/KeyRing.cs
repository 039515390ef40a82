using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Keys by the public API.</summary>
internal static class KeyRing
{
    public const string VerifierKey = "the verifier's key of the tests, long enough";

    public static Task<ScenarioResult> Keys(this App app, Person? person, string act, object body, int status = 200) => app.Scenario(_ =>
    {
        if (person is not null)
            _.As(person.Browser);
        _.Post.Json(body).ToUrl($"/api/auth/api-key/{act}");
        _.StatusCodeShouldBe(status);
    });

    public static Task<ScenarioResult> ReadKeys(this App app, Person? person, string path, int status = 200) => app.Scenario(_ =>
    {
        if (person is not null)
            _.As(person.Browser);
        _.Get.Url($"/api/auth/api-key/{path}");
        _.StatusCodeShouldBe(status);
    });

    /// <summary>A key that a user has made: the answer, with the key in it.</summary>
    public static async Task<JsonElement> MadeKey(this App app, Person person, object? body = null) =>
        (await app.Keys(person, "create", body ?? new { name = "ci" })).Json();

    /// <summary>A key that a back end has made for a user.</summary>
    public static Task<ScenarioResult> IssueKey(this App app, object body, int status = 200, string? verifier = VerifierKey) =>
        app.Program("/api/api-keys", body, status, verifier);

    public static Task<ScenarioResult> VerifyKey(this App app, string key, object? permissions = null, int status = 200, string? verifier = VerifierKey) =>
        app.Program("/api/api-keys/verify", new { key, permissions }, status, verifier);

    /// <summary>What verifying a key answers: <c>ok</c>, or the code.</summary>
    public static async Task<string> Verdict(this App app, string key, object? permissions = null)
    {
        var answer = (await app.VerifyKey(key, permissions)).Json();
        return answer.GetProperty("valid").GetBoolean() ? "ok" : answer.GetProperty("error").GetProperty("code").GetString()!;
    }

    /// <summary>A request that has a key and no cookie.</summary>
    public static Task<ScenarioResult> WithKey(this App app, string key, string path = "/api/auth/get-session", int? status = 200) => app.Scenario(_ =>
    {
        _.WithRequestHeader("x-api-key", key);
        _.Get.Url(path);
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    private static Task<ScenarioResult> Program(this App app, string path, object body, int status, string? verifier) => app.Scenario(_ =>
    {
        if (verifier is not null)
            _.WithRequestHeader("Authorization", $"Bearer {verifier}");
        _.Post.Json(body).ToUrl(path);
        _.StatusCodeShouldBe(status);
    });
}

/// <summary>A server where keys act as sessions and programs verify them.</summary>
public sealed class AppWithKeys() : App(new()
{
    ["ApiKeys:ActAsSession"] = "true",
    ["ApiKeys:VerifierKey"] = KeyRing.VerifierKey,
    ["ApiKeys:MaxPerUser"] = "3",
});

/// <summary>A server without keys.</summary>
public sealed class AppWithoutKeys() : App(new() { ["Auth:Groups:api-key"] = "false", ["ApiKeys:VerifierKey"] = KeyRing.VerifierKey, ["ApiKeys:ActAsSession"] = "true" });
