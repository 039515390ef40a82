namespace Modular.Identity;

/// <summary>A role of an organization's own as the wire has it.</summary>
internal sealed record RoleView(
    string OrganizationId, string Role, IReadOnlyDictionary<string, IReadOnlyList<string>> Permission,
    DateTimeOffset CreatedAt, DateTimeOffset? UpdatedAt, string Id)
{
    public static RoleView Of(OrganizationRole role) => new(
        role.OrganizationId, role.Role, Identity.Permission.Parse(role.Permission).Statements, role.CreatedAt, role.UpdatedAt, role.Id);
}
