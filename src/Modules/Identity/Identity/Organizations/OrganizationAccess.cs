using System.Text.Json;
using Modular.Store;

namespace Modular.Identity;

/// <summary>An organization as one of its members acts in it: what every slice asks before it does anything.</summary>
/// <param name="Organization">Where.</param>
/// <param name="Member">Who.</param>
/// <param name="Roles">Every role that may be given in this organization, its own ones too.</param>
internal sealed record OrganizationAccess(Organization Organization, Member Member, IReadOnlyDictionary<string, Statements> Roles)
{
    public bool IsOwner => Member.IsOwner();

    /// <summary>Null: there is no such organization, or the user is no member of it.</summary>
    public static async Task<OrganizationAccess?> Find(IQuerySession store, string organizationId, string userId, CancellationToken ct)
    {
        if (await FindMember(store, organizationId, userId, ct) is not { } member
            || await store.LoadAsync<Organization>(organizationId, ct) is not { } organization)
            return null;
        return new(organization, member, await RolesOf(store, organizationId, ct));
    }

    public static async Task<Member?> FindMember(IQuerySession store, string organizationId, string userId, CancellationToken ct) =>
        (await store.QueryAsync<Member>("where d.organization_id = ? and d.user_id = ?", ct, organizationId, userId)).SingleOrDefault();

    /// <summary>A role of the organization's own never stands for one of the three.</summary>
    public static async Task<IReadOnlyDictionary<string, Statements>> RolesOf(IQuerySession store, string organizationId, CancellationToken ct)
    {
        var roles = new Dictionary<string, Statements>(OrganizationRoles.Default);
        foreach (var role in await store.QueryAsync<OrganizationRole>("where d.organization_id = ?", ct, organizationId))
            roles.TryAdd(role.Role, Read(role.Permission));
        return roles;
    }

    /// <summary>Whether one of the member's roles alone holds everything that is asked for.</summary>
    public bool May(Statements wanted) => AccessControl.Grants(Held(), wanted);

    public bool May(string resource, string action) => May(Statements.Of((resource, [action])));

    /// <summary>
    /// Stages that the member is still one, with the same roles, when this is committed: who is removed or lowered meanwhile
    /// does nothing more. The loser runs again and is refused.
    /// </summary>
    public void Hold(IDocumentSession store) => store.QueueSqlCommand(
        1, "update identity.mt_doc_member set mt_version = mt_version where id = ? and data ->> 'role' = ?", Member.Id, Member.Role);

    private IEnumerable<Statements> Held() => Member.RoleNames().Select(name => Roles.GetValueOrDefault(name)).OfType<Statements>();

    private static Statements Read(string permission) => new(JsonSerializer.Deserialize<Dictionary<string, string[]>>(permission)!
        .Select(statement => KeyValuePair.Create<string, IReadOnlyList<string>>(statement.Key, statement.Value)));
}
