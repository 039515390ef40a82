using System.Text;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>A server that follows Clerk.</summary>
public sealed class ClerkApp() : App(new()
{
    ["Clerk:WebhookSecret"] = Clerk.Secret,
    ["Clerk:PreviousWebhookSecret"] = Clerk.PreviousSecret,
})
{
}

/// <summary>Clerk, as it calls the server.</summary>
internal static class Clerk
{
    public const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    public static readonly string PreviousSecret = "whsec_" + Convert.ToBase64String(Encoding.UTF8.GetBytes("the secret before this one"));

    private static int made;

    /// <summary>Somebody at Clerk who is not here yet.</summary>
    public static ClerkPerson Somebody() => new(
        $"user_{Interlocked.Increment(ref made):d8}abc", "Ada", $"clerk.{made}.{Guid.NewGuid():N}@example.com", Verified: true, Banned: false, Deleted: false);

    public static Task<ScenarioResult> Tell(this App app, string type, ClerkPerson person, long version, int status = 200, string? id = null) =>
        app.Send(new ClerkMessage(id ?? $"msg_{Guid.NewGuid():N}", ClerkTraffic.Body(type, person, version)), status);

    public static Task<ScenarioResult> Send(this App app, ClerkMessage message, int status = 200, string secret = Secret) =>
        app.Send(message.Body, message.Headers(secret, app.Clock.GetUtcNow()), status);

    public static Task<ScenarioResult> Send(this App app, string body, IReadOnlyDictionary<string, string> headers, int status) => app.Scenario(_ =>
    {
        _.Post.RawJson(body).ToUrl("/api/webhooks/clerk");
        foreach (var (name, value) in headers)
            _.WithRequestHeader(name, value);
        _.StatusCodeShouldBe(status);
    });

    /// <summary>name, email, whether it is verified, and whether they are banned; null: there is no such user.</summary>
    public static async Task<string?> Described(this App app, string userId) =>
        (await app.Sql("select concat_ws('|', name, email, email_verified, banned) from identity.mt_doc_user where id = $1", userId)) is [[string row]] ? row : null;
}
