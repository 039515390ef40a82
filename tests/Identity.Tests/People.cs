using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>People by the public API.</summary>
internal static class People
{
    public const string Password = "correct-horse-1";

    public const string WrongCredentials = """{"message":"Invalid email or password","code":"INVALID_EMAIL_OR_PASSWORD"}""";

    public const string EmailTaken =
        """{"message":"User already exists. Use another email.","code":"USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"}""";

    private static int made;

    /// <summary>An address that nobody has.</summary>
    public static string NewAddress() => $"ada.{Interlocked.Increment(ref made)}@example.com";

    /// <summary>What somebody sends to sign up, changed by a member or several.</summary>
    public static Dictionary<string, object?> SigningUp(params (string Name, object? Value)[] changes)
    {
        var body = new Dictionary<string, object?> { ["name"] = "Ada", ["email"] = NewAddress(), ["password"] = Password };
        foreach (var (name, value) in changes)
            body[name] = value;
        return body;
    }

    public static Task<ScenarioResult> SignUp(this App app, Dictionary<string, object?> body, int status = 200) =>
        app.Post("/api/auth/sign-up/email", body, status);

    /// <summary>Somebody new, signed in.</summary>
    public static async Task<Person> SignedUp(this App app, params (string Name, object? Value)[] changes)
    {
        var body = SigningUp(changes);
        var browser = app.Browser();
        var result = await app.Scenario(_ => _.As(browser).Post.Json(body).ToUrl("/api/auth/sign-up/email"));
        return new Person(result.Json().GetProperty("user").GetProperty("id").GetString()!, (string)body["email"]!, browser, result.Json());
    }

    public static Task<ScenarioResult> SignIn(this App app, string email, string password = Password, int status = 200) =>
        app.Post("/api/auth/sign-in/email", new Dictionary<string, object?> { ["email"] = email, ["password"] = password }, status);

    public static Task<ScenarioResult> Post(this App app, string path, Dictionary<string, object?> body, int status = 200) =>
        app.Scenario(_ =>
        {
            _.Post.Json(body).ToUrl(path);
            _.StatusCodeShouldBe(status);
        });

    /// <summary>A member that is a string.</summary>
    public static string Text(this JsonElement json, string name) => json.GetProperty(name).GetString()!;

    /// <summary>The code of a refusal.</summary>
    public static string Code(this ScenarioResult result) => result.Json().GetProperty("code").GetString()!;

    public static PasswordQueue Passwords(this App app) => app.Services.GetRequiredService<PasswordQueue>();

    /// <summary>Why a user was not deleted, each time.</summary>
    public static async Task<IReadOnlyList<string>> DeletionsRefused(this App app, string userId) => await app.Reasons("user.deletion_refused.1", userId);

    /// <summary>The reasons of a user's events of one type.</summary>
    public static async Task<IReadOnlyList<string>> Reasons(this App app, string type, string userId) =>
    [
        .. (await app.Sql("select data ->> 'reason' from identity.mt_events where type = $1 and data ->> 'userId' = $2 order by seq_id", type, userId))
            .Select(row => (string)row[0]!),
    ];

    /// <summary>The stored names of a stream's events and what they say.</summary>
    public static async Task<IReadOnlyList<string>> EventsOf(this App app, string stream) =>
        [.. (await app.Sql("select type from identity.mt_events where stream_id = $1 order by version", stream)).Select(row => (string)row[0]!)];
}

/// <param name="Answer">What signing up answered.</param>
internal sealed record Person(string Id, string Email, Browser Browser, JsonElement Answer);
