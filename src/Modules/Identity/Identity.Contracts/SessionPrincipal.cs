using System.Text.Json.Serialization;

namespace Modular.Identity.Contracts;

/// <summary>
/// A user as sessions are checked against: the row of the view <c>identity.session_principal</c>, which is Identity's
/// SQL contract with Sessions (DESIGN §6). Its columns are <c>id, name, email, email_verified, image, created_at,
/// updated_at, role, banned, ban_reason, ban_expires,
/// two_factor_enabled, username, display_username, is_anonymous, email_verified_at</c>. Written to the wire as it is: contract §2.3, <c>User</c>.
/// </summary>
/// <param name="Role">One or more of admin, pm, mentor, mentee, user, joined by commas.</param>
/// <param name="BanExpires">When a ban ends; null: never.</param>
/// <param name="TwoFactorEnabled">Whether a password alone does not sign in.</param>
/// <param name="Username">In lower case; null: none.</param>
/// <param name="DisplayUsername">As the user wrote it.</param>
/// <param name="IsAnonymous">Whether nobody has said yet who they are.</param>
/// <param name="EmailVerifiedAt">Since when the address is known to be theirs; not on the wire, which has only whether.</param>
public sealed record SessionPrincipal(
    string Id,
    string Name,
    string Email,
    bool EmailVerified,
    string? Image,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string Role,
    bool Banned,
    string? BanReason,
    DateTimeOffset? BanExpires,
    bool TwoFactorEnabled = false,
    string? Username = null,
    string? DisplayUsername = null,
    bool IsAnonymous = false,
    [property: JsonIgnore] DateTimeOffset? EmailVerifiedAt = null);
