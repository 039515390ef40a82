using System.Text.Json;
using Modular.Audit.Contracts;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// A user as the entries about them tell, one after the other. Knows the stored names of what changes who somebody is and
/// where they are signed in; a stored name never changes its meaning.
/// </summary>
internal sealed class PersonFold(string id)
{
    /// <summary>What changes anything here.</summary>
    public static readonly string[] Types =
    [
        "user.registered.1", "user.updated.1", "user.email_changed.1", "user.role_set.1", "user.banned.1", "user.unbanned.1", "user.deleted.1",
        "organization.created.1", "organization.member_added.1", "organization.member_role_set.1", "organization.member_removed.1", "team.member_added.1", "team.member_removed.1",
        "session.started.1", "session.refreshed.1", "session.organization_switched.1", "session.revoked.1", "session.signed_out.1", "session.expired.1",
    ];

    /// <summary>What ends memberships of everybody, and is about nobody or somebody else.</summary>
    public static readonly string[] Ends = ["organization.deleted.1", "team.removed.1"];

    private readonly Dictionary<string, PastSession> sessions = [];
    private readonly Dictionary<string, (string Role, DateTimeOffset Since)> memberships = [];
    private readonly Dictionary<string, string> teams = [];
    private PastPerson? person;
    private bool isBanned;
    private bool isInactive;

    /// <summary>Organizations that they belong to, whether those still exist or not.</summary>
    public IReadOnlyCollection<string> Organizations => memberships.Keys;

    public void Apply(CanonicalEvent e)
    {
        using var json = JsonDocument.Parse(e.Data);
        var data = json.RootElement;
        if (e.Type.StartsWith("session.", StringComparison.Ordinal))
            ApplySession(e, data);
        else if (e.Type.StartsWith("user.", StringComparison.Ordinal))
            ApplyUser(e, data);
        else
            ApplyMembership(e.Type, data);
    }

    /// <summary>They were there; whoever's registration is not in the log any more is not told.</summary>
    public PastPerson? At(DateTimeOffset at)
    {
        if (person is null)
            return null;
        var isShut = isBanned && !(person.BanExpires <= at);
        var isGone = person.DeletedAt is not null;
        return person with
        {
            Status = isGone ? "deleted" : !isShut ? "active" : isInactive ? "inactive" : "suspended",
            Memberships = isGone ? [] : [.. memberships
                .OrderBy(membership => membership.Key, StringComparer.Ordinal)
                .Select(membership => new PastMembership(membership.Key, membership.Value.Role, membership.Value.Since, TeamsIn(membership.Key)))],
            // A session is over when its time is, whenever somebody notices.
            Sessions = isGone || isShut ? [] : [.. sessions.Values
                .Where(session => session.ExpiresAt > at)
                .OrderBy(session => session.StartedAt).ThenBy(session => session.Id, StringComparer.Ordinal)],
        };
    }

    private string[] TeamsIn(string organization) =>
        [.. teams.Where(team => team.Value == organization).Select(team => team.Key).Order(StringComparer.Ordinal)];

    private void ApplyUser(CanonicalEvent e, JsonElement data)
    {
        // Whose registration is not in the log any more nobody can tell of.
        if (person is null && e.Type != "user.registered.1")
            return;
        switch (e.Type)
        {
            case "user.registered.1":
                var email = Text(data, "email");
                person = new PastPerson(
                    id, Text(data, "name"), email, IsErased: email is null, RolesOf(data), "active", null, null, Time(data, "at"), null, [], []);
                break;
            case "user.updated.1" when data.GetProperty("changed").EnumerateArray().Any(changed => changed.ValueEquals("name")):
                person = person! with { Name = Text(data, "name") };
                break;
            case "user.email_changed.1":
                person = person! with { Email = Text(data, "email") };
                break;
            case "user.role_set.1":
                person = person! with { Roles = RolesOf(data) };
                break;
            case "user.banned.1":
                (isBanned, isInactive) = (true, data.TryGetProperty("inactive", out var inactive) && inactive.GetBoolean());
                person = person! with { BanReason = Text(data, "reason"), BanExpires = TimeOrNull(data, "expires") };
                break;
            case "user.unbanned.1":
                (isBanned, isInactive) = (false, false);
                person = person! with { BanReason = null, BanExpires = null };
                break;
            case "user.deleted.1":
                person = person! with { DeletedAt = Time(data, "at") };
                break;
        }
    }

    private void ApplyMembership(string type, JsonElement data)
    {
        var organization = Text(data, "organizationId")!;
        switch (type)
        {
            case "organization.member_added.1":
                memberships[organization] = (Text(data, "role")!, Time(data, "at"));
                break;
            case "organization.member_role_set.1" when memberships.TryGetValue(organization, out var membership):
                memberships[organization] = (Text(data, "role")!, membership.Since);
                break;
            case "organization.member_removed.1" or "organization.deleted.1":
                memberships.Remove(organization);
                foreach (var team in TeamsIn(organization))
                    teams.Remove(team);
                break;
            // The founder is in the first team.
            case "organization.created.1" or "team.member_added.1":
                teams[Text(data, "teamId")!] = organization;
                break;
            case "team.member_removed.1" or "team.removed.1":
                teams.Remove(Text(data, "teamId")!);
                break;
        }
    }

    private void ApplySession(CanonicalEvent e, JsonElement data)
    {
        var session = Text(data, "sessionId")!;
        switch (e.Type)
        {
            case "session.started.1":
                sessions[session] = new PastSession(
                    session, Text(data, "method")!, Time(data, "at"), Time(data, "expiresAt"), Text(data, "ipAddress"), Text(data, "userAgent"),
                    Text(data, "impersonatedBy"), Text(data, "organizationId"), Text(data, "teamId"));
                break;
            case "session.refreshed.1" when sessions.TryGetValue(session, out var known):
                sessions[session] = known with { ExpiresAt = Time(data, "expiresAt") };
                break;
            case "session.organization_switched.1" when sessions.TryGetValue(session, out var known):
                sessions[session] = known with { OrganizationId = Text(data, "organizationId"), TeamId = Text(data, "teamId") };
                break;
            case "session.revoked.1" or "session.signed_out.1" or "session.expired.1":
                sessions.Remove(session);
                break;
        }
    }

    private static string[] RolesOf(JsonElement data) => Text(data, "role")!.Split(',');

    private static string? Text(JsonElement data, string member) =>
        data.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static DateTimeOffset Time(JsonElement data, string member) => data.GetProperty(member).GetDateTimeOffset();

    private static DateTimeOffset? TimeOrNull(JsonElement data, string member) =>
        data.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetDateTimeOffset() : null;
}
