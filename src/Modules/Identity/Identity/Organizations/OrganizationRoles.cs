namespace Modular.Identity;

/// <summary>The roles that every organization has, and what there is to be allowed (contract §7.2).</summary>
internal static class OrganizationRoles
{
    public const string Owner = "owner";
    public const string Admin = "admin";
    public const string Member = "member";

    /// <summary>Every resource with every action there is: what roles of an organization's own are made of.</summary>
    public static readonly Statements All = Statements.Of(
        ("organization", ["update", "delete"]),
        ("member", ["create", "update", "delete"]),
        ("invitation", ["create", "cancel"]),
        ("team", ["create", "update", "delete"]),
        ("ac", ["create", "read", "update", "delete"]));

    public static readonly IReadOnlyDictionary<string, Statements> Default = new Dictionary<string, Statements>
    {
        [Owner] = All,
        [Admin] = Statements.Of(
            ("organization", ["update"]),
            ("member", ["create", "update", "delete"]),
            ("invitation", ["create", "cancel"]),
            ("team", ["create", "update", "delete"]),
            ("ac", ["create", "read", "update", "delete"])),
        [Member] = Statements.Of(("ac", ["read"])),
    };
}
