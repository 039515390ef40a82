namespace Modular.Identity;

/// <summary>What a user's status is called. In the wire protocol whoever is not active is banned by its rules.</summary>
internal static class UserStatus
{
    public const string Active = "active";

    /// <summary>Cannot sign in, has no sessions, and nothing is held against them.</summary>
    public const string Inactive = "inactive";

    /// <summary>Banned, for a time or for good.</summary>
    public const string Suspended = "suspended";

    /// <summary>What <see cref="User.StatusAt"/> says, in SQL; with <c>?</c> for the time.</summary>
    public const string Sql =
        "case when not (d.banned and (d.ban_expires is null or d.ban_expires > ?)) then 'active' when d.data ->> 'inactive' = 'true' then 'inactive' else 'suspended' end";
}
