using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The roles that an organization has made for itself.</summary>
internal static class OwnRoles
{
    /// <summary>True of a role name that a member holds; for statements below <see cref="Organization.Lock"/>.</summary>
    public const string IsHeld =
        "exists (select from identity.mt_doc_member where organization_id = ? and ?::text = any(string_to_array(role, ',')))";

    /// <summary>The organization a request means; unlike with teams an empty text is a wrong one, as upstream.</summary>
    public static string? Chosen(string? organizationId, ActiveSession session) =>
        (organizationId ?? session.OrganizationId) is { Length: > 0 } chosen ? chosen : null;

    /// <summary>Oldest first.</summary>
    public static Task<IReadOnlyList<OrganizationRole>> Of(IQuerySession store, string organizationId, CancellationToken ct) =>
        store.QueryAsync<OrganizationRole>("where d.organization_id = ? order by d.id", ct, organizationId);

    public static async Task<bool> AnyoneHolds(IQuerySession store, OrganizationRole role, CancellationToken ct) =>
        (await store.QueryAsync<Member>(
            "where d.organization_id = ? and ?::text = any(string_to_array(d.role, ',')) limit 1", ct, role.OrganizationId, role.Role)).Count > 0;
}
