using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>Who sees what of somebody.</summary>
internal static class ProfileSight
{
    /// <summary>Who looks after people: they see every profile. Administrators change them, too.</summary>
    public static readonly string[] Staff = ["admin", "pm"];

    public static bool IsStaff(this Caller caller) => caller.Roles.Intersect(Staff).Any();

    /// <summary>Whether the caller sees what only the person themselves and those who look after people see.</summary>
    public static bool SeesAllOf(this Caller caller, string userId) => caller.UserId == userId || caller.IsStaff();

    public static bool Sees(this Caller caller, Profile profile) => profile.Visibility switch
    {
        _ when caller.UserId is not null && caller.SeesAllOf(profile.UserId) => true,
        Visibility.Public => true,
        Visibility.Members => caller.UserId is not null,
        _ => false,
    };
}
