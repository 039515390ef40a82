using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Organizations by the public API.</summary>
internal static class Guild
{
    private static int made;

    public static string NewSlug() => $"acme-{Interlocked.Increment(ref made)}";

    public static Task<ScenarioResult> Do(this App app, Person person, string path, object body, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(body).ToUrl($"/api/auth/organization/{path}");
        _.StatusCodeShouldBe(status);
    });

    /// <summary>Whatever comes of it.</summary>
    public static Task<ScenarioResult> Try(this App app, Person person, string path, object body) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(body).ToUrl($"/api/auth/organization/{path}");
        _.IgnoreStatusCode();
    });

    public static Task<ScenarioResult> See(this App app, Person person, string path, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Get.Url($"/api/auth/organization/{path}");
        _.StatusCodeShouldBe(status);
    });

    /// <summary>An organization of theirs; its id.</summary>
    public static async Task<string> Founds(this App app, Person person, string name = "Acme") =>
        (await app.Do(person, "create", new { name, slug = NewSlug() })).Json().Text("id");

    /// <summary>Asks them to join; the invitation's id.</summary>
    public static async Task<string> Invites(this App app, Person inviter, string organizationId, string email, string role = "member") =>
        (await app.Do(inviter, "invite-member", new { email, role, organizationId })).Json().Text("id");

    /// <summary>Somebody new in the organization; the id of their membership.</summary>
    public static async Task<(Person Person, string MemberId)> Joined(this App app, Person inviter, string organizationId, string role = "member")
    {
        var person = await app.SignedUp();
        var invitationId = await app.Invites(inviter, organizationId, person.Email, role);
        var answer = (await app.Do(person, "accept-invitation", new { invitationId })).Json();
        return (person, answer.GetProperty("member").Text("id"));
    }

    public static async Task<JsonElement> SessionOf(this App app, Person person) =>
        (await app.Scenario(_ => _.As(person.Browser).Get.Url("/api/auth/get-session"))).Json().GetProperty("session");

    public static Task<long> Members(this App app, string organizationId) =>
        app.Count("select count(*) from identity.mt_doc_member where organization_id = $1", organizationId);
}
