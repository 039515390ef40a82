using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A tenant. A document, like its members and what else belongs to it, with the events of all of them in one stream whose key
/// is the organization's id: whatever changes it is one change after the other.
/// </summary>
/// <param name="Slug">Unique.</param>
/// <param name="Metadata">JSON of an object; null: none.</param>
internal sealed record Organization(string Id, string Name, string Slug, string? Logo, string? Metadata, DateTimeOffset CreatedAt)
{
    public const string SlugIndex = "mt_doc_organization_uidx_slug";

    /// <summary>
    /// Stages that nobody else changes the organization, nor who and what belongs to it, until this unit of work is committed:
    /// the conditions staged after it see what all earlier ones have left.
    /// </summary>
    public static void Lock(IDocumentSession store, string organizationId) =>
        store.QueueSqlCommand("select pg_advisory_xact_lock(hashtextextended('identity.organization/' || ?::text, 0))", organizationId);

    /// <summary>Stages that the user is still there: what is made for somebody who is just being deleted would stay for ever.</summary>
    public static void HoldUser(IDocumentSession store, string userId) =>
        store.QueueSqlCommand(1, "update identity.mt_doc_user set mt_version = mt_version where id = ?", userId);

    /// <summary>
    /// Stages that the organization is still there, and counts as changed: whoever ends it, or decides who owns it, from what
    /// was read before loses.
    /// </summary>
    public static void Touch(IDocumentSession store, string id) =>
        store.QueueSqlCommand(1, "update identity.mt_doc_organization set mt_version = mt_version + 1 where id = ?", id);

    /// <summary>The same, and that somebody owns it; after the change of a member.</summary>
    public static void RequireOwner(IDocumentSession store, string id) => store.QueueSqlCommand(
        1,
        """
        update identity.mt_doc_organization set mt_version = mt_version + 1 where id = ? and exists (
            select 1 from identity.mt_doc_member where organization_id = ? and ? = any(string_to_array(role, ',')))
        """,
        id, id, OrganizationRoles.Owner);

    /// <summary>The same, and that it has not too many members; after one is added.</summary>
    public static void RequireMembersAtMost(IDocumentSession store, string id, int most) => store.QueueSqlCommand(
        1,
        """
        update identity.mt_doc_organization set mt_version = mt_version + 1 where id = ? and (
            select count(*) from identity.mt_doc_member where organization_id = ?) <= ?
        """,
        id, id, most);

    /// <summary>The same, and that it has not too many open invitations; after one is added.</summary>
    public static void RequireInvitationsAtMost(IDocumentSession store, string id, int most, DateTimeOffset now) => store.QueueSqlCommand(
        1,
        """
        update identity.mt_doc_organization set mt_version = mt_version + 1 where id = ? and (
            select count(*) from identity.mt_doc_invitation where organization_id = ? and status = ? and expires_at > ?) <= ?
        """,
        id, id, Invitation.Pending, now, most);

    public static string NewId(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("N");
}

/// <summary>Somebody belongs to an organization; unique by organization and user.</summary>
/// <param name="Role">Several are joined by commas.</param>
internal sealed record Member(string Id, string OrganizationId, string UserId, string Role, DateTimeOffset CreatedAt)
{
    public const string UserIndex = "mt_doc_member_uidx_organization_user";

    public IReadOnlyList<string> RoleNames() => Role.Split(',');

    public bool IsOwner() => RoleNames().Contains(OrganizationRoles.Owner);
}

/// <summary>Somebody is asked to join. The id goes out by mail and is what lets them in, so it cannot be guessed.</summary>
/// <param name="Email">In lower case.</param>
/// <param name="Role">Several are joined by commas.</param>
/// <param name="TeamId">Several are joined by commas; null: no team.</param>
/// <param name="Status">One of the constants.</param>
/// <param name="InviterId">The user, not the member.</param>
internal sealed record Invitation(
    string Id,
    string OrganizationId,
    string Email,
    string Role,
    string? TeamId,
    string Status,
    DateTimeOffset ExpiresAt,
    DateTimeOffset CreatedAt,
    string InviterId)
{
    public const string PendingIndex = "mt_doc_invitation_uidx_pending";
    public const string Pending = "pending";
    public const string Accepted = "accepted";
    public const string Rejected = "rejected";
    public const string Canceled = "canceled";

    public bool IsOpen(DateTimeOffset now) => Status == Pending && ExpiresAt > now;

    public IReadOnlyList<string> Teams() => TeamId?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>Names the invitation in the log, which must not let anybody in.</summary>
    public string Hash() => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(Id)));

    /// <summary>192 bits.</summary>
    public static string NewId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
}

/// <summary>A part of an organization; the first one bears its name.</summary>
/// <param name="UpdatedAt">Null: never, as of the first one.</param>
internal sealed record Team(string Id, string Name, string OrganizationId, DateTimeOffset CreatedAt, DateTimeOffset? UpdatedAt);

/// <summary>A member belongs to a team; unique by team and user.</summary>
internal sealed record TeamMember(string Id, string TeamId, string OrganizationId, string UserId, DateTimeOffset CreatedAt)
{
    public const string UserIndex = "mt_doc_team_member_uidx_team_user";
}

/// <summary>A role that an organization has made for itself; unique by organization and name.</summary>
/// <param name="Role">In lower case.</param>
/// <param name="Permission">JSON: an object of arrays of strings.</param>
internal sealed record OrganizationRole(
    string Id, string OrganizationId, string Role, string Permission, DateTimeOffset CreatedAt, DateTimeOffset? UpdatedAt)
{
    public const string NameIndex = "mt_doc_organization_role_uidx_organization_role";
}
