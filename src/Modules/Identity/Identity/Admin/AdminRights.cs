using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Something an administrator may do, and what whoever may not is told (contract §7.1).</summary>
/// <param name="Resource"><c>user</c> or <c>session</c>.</param>
/// <param name="Action">Of that resource.</param>
/// <param name="Refusal">403 with the contract's code.</param>
internal sealed record AdminRight(string Resource, string Action, Refusal Refusal)
{
    public static readonly AdminRight List = Of("user", "list", "YOU_ARE_NOT_ALLOWED_TO_LIST_USERS", "You are not allowed to list users");
    public static readonly AdminRight Get = Of("user", "get", "YOU_ARE_NOT_ALLOWED_TO_GET_USER", "You are not allowed to get user");
    public static readonly AdminRight Create = Of("user", "create", "YOU_ARE_NOT_ALLOWED_TO_CREATE_USERS", "You are not allowed to create users");
    public static readonly AdminRight Update = Of("user", "update", "YOU_ARE_NOT_ALLOWED_TO_UPDATE_USERS", "You are not allowed to update users");
    public static readonly AdminRight SetRole = Of("user", "set-role", "YOU_ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE", "You are not allowed to change users role");
    public static readonly AdminRight SetEmail = Of("user", "set-email", "YOU_ARE_NOT_ALLOWED_TO_SET_USERS_EMAIL", "You are not allowed to update users email");
    public static readonly AdminRight SetPassword = Of("user", "set-password", "YOU_ARE_NOT_ALLOWED_TO_SET_USERS_PASSWORD", "You are not allowed to set users password");
    public static readonly AdminRight Ban = Of("user", "ban", "YOU_ARE_NOT_ALLOWED_TO_BAN_USERS", "You are not allowed to ban users");
    public static readonly AdminRight Impersonate = Of("user", "impersonate", "YOU_ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS", "You are not allowed to impersonate users");
    public static readonly AdminRight Delete = Of("user", "delete", "YOU_ARE_NOT_ALLOWED_TO_DELETE_USERS", "You are not allowed to delete users");
    public static readonly AdminRight ListSessions = Of("session", "list", "YOU_ARE_NOT_ALLOWED_TO_LIST_USERS_SESSIONS", "You are not allowed to list users sessions");
    public static readonly AdminRight RevokeSessions = Of("session", "revoke", "YOU_ARE_NOT_ALLOWED_TO_REVOKE_USERS_SESSIONS", "You are not allowed to revoke users sessions");

    /// <summary>As a request for it is written.</summary>
    public Statements Wanted { get; } = Statements.Of((Resource, [Action]));

    private static AdminRight Of(string resource, string action, string code, string message) =>
        new(resource, action, Refusal.Forbidden(code, message));
}

/// <summary>The roles that a user may have, and what each may do. Nothing beside them can be given.</summary>
internal static class AdminRoles
{
    /// <summary>Looks after users, and changes none.</summary>
    public const string Pm = "pm";

    private static readonly Statements Nothing = Statements.Of();

    private static readonly Dictionary<string, Statements> Known = new()
    {
        [User.AdminRole] = Statements.Of(
            ("user", ["create", "list", "set-role", "ban", "impersonate", "delete", "set-password", "set-email", "get", "update"]),
            ("session", ["list", "revoke", "delete"])),
        [Pm] = Statements.Of(("user", ["list", "get"]), ("session", ["list"])),
        ["mentor"] = Nothing,
        ["mentee"] = Nothing,
        [User.DefaultRole] = Nothing,
    };

    public static bool IsKnown(string role) => Known.ContainsKey(role);

    /// <summary>A role that an older version knew holds nothing.</summary>
    public static bool Grant(IEnumerable<string> roles, Statements wanted) =>
        AccessControl.Grants(roles.Select(role => Known.GetValueOrDefault(role, Nothing)), wanted);
}
