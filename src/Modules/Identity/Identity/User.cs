using System.Text.Json.Serialization;
using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Somebody with an account here. The e-mail address is in lower case and unique.</summary>
/// <param name="LinkedTo">Of an anonymous user: who they turned out to be.</param>
/// <param name="Inactive">Of a banned user: there is nothing against them, they are only not in use.</param>
/// <param name="EmailVerifiedAt">Since when the address is known to be theirs; null where it is not, or nobody wrote it down.</param>
/// <param name="Via">Where they came from, as the event of it says; null: they registered here.</param>
internal sealed record User(
    string Id,
    string Name,
    string Email,
    bool EmailVerified,
    string? Image,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string Role,
    bool Banned = false,
    string? BanReason = null,
    DateTimeOffset? BanExpires = null,
    bool TwoFactorEnabled = false,
    string? Username = null,
    string? DisplayUsername = null,
    bool IsAnonymous = false,
    string? LinkedTo = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Inactive = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? EmailVerifiedAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Via = null)
{
    public const string EmailIndex = "mt_doc_user_uidx_email";
    public const string DefaultRole = "user";
    public const string AdminRole = "admin";
    public const string ViaAdapter = "authjs";

    /// <summary>Several roles are joined by commas without spaces (contract §7.1).</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Roles => Role.Split(',');

    /// <summary>Since when the address is known to be theirs; of whom nobody wrote it down, since they are here. Null: it is not.</summary>
    [JsonIgnore]
    public DateTimeOffset? VerifiedAt => EmailVerified ? EmailVerifiedAt ?? CreatedAt : null;

    /// <summary>As every answer shows a user.</summary>
    public SessionPrincipal ToPrincipal() =>
        new(
            Id, Name, Email, EmailVerified, Image, CreatedAt, UpdatedAt, Role, Banned, BanReason, BanExpires,
            TwoFactorEnabled, Username, DisplayUsername, IsAnonymous, VerifiedAt);

    /// <summary>As other modules are told of a user.</summary>
    public PersonFacts ToFacts(DateTimeOffset now) => new(Id, Name, Email, EmailVerified, Image, Role, StatusAt(now), CreatedAt);

    /// <summary>Whether a ban is in force; one that has an end is over at that instant.</summary>
    public bool IsBanned(DateTimeOffset now) => Banned && !(BanExpires <= now);

    /// <summary>Active, inactive, or suspended: as other modules and administrators name it.</summary>
    public string StatusAt(DateTimeOffset now) => !IsBanned(now) ? UserStatus.Active : Inactive ? UserStatus.Inactive : UserStatus.Suspended;

    /// <summary>
    /// The present as users carry it: in milliseconds, as the wire shows it. With more the answer of a sign-up and the
    /// row behind it could be rounded apart.
    /// </summary>
    public static DateTimeOffset Now(TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        return new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
    }

    public static User Create(UserRegistered e) =>
        new(e.UserId, e.Name ?? "", e.Email ?? "", e.EmailVerified, e.Image, e.CreatedAt ?? e.At, e.At, e.Role)
        {
            Username = e.Username,
            DisplayUsername = e.DisplayUsername,
            IsAnonymous = e.IsAnonymous,
            EmailVerifiedAt = e.EmailVerified ? e.EmailVerifiedAt ?? e.At : null,
            Via = e.Reason,
        };

    public User Apply(UserUpdated e) => this with
    {
        Name = e.Changed.Contains(UserUpdated.NameMember) ? e.Name ?? "" : Name,
        Image = e.Changed.Contains(UserUpdated.ImageMember) ? e.Image : Image,
        Username = e.Changed.Contains(UserUpdated.UsernameMember) ? e.Username : Username,
        DisplayUsername = e.Changed.Contains(UserUpdated.DisplayUsernameMember) ? e.DisplayUsername : DisplayUsername,
        UpdatedAt = e.At,
    };

    public User Apply(UserEmailVerified e) => this with { EmailVerified = true, EmailVerifiedAt = e.VerifiedAt ?? e.At, UpdatedAt = e.At };

    public User Apply(UserEmailUnverified e) => this with { EmailVerified = false, EmailVerifiedAt = null, UpdatedAt = e.At };

    /// <summary>Who has an address is not anonymous any more.</summary>
    public User Apply(UserEmailChanged e) => this with
    {
        Email = e.Email ?? "",
        EmailVerified = e.Verified,
        EmailVerifiedAt = e.Verified ? e.VerifiedAt ?? e.At : null,
        IsAnonymous = false,
        UpdatedAt = e.At,
    };

    public User Apply(AnonymousUserLinked e) => this with { LinkedTo = e.LinkedTo, UpdatedAt = e.At };

    public bool ShouldDelete(UserDeleted e) => e.UserId == Id;

    /// <summary>They are gone already; read models follow it.</summary>
    public bool ShouldDelete(UserPurged e) => e.UserId == Id;

    public User Apply(UserRoleSet e) => this with { Role = e.Role, UpdatedAt = e.At };

    public User Apply(UserBanned e) => this with { Banned = true, BanReason = e.Reason, BanExpires = e.Expires, Inactive = e.Inactive, UpdatedAt = e.At };

    public User Apply(UserUnbanned e) => this with { Banned = false, BanReason = null, BanExpires = null, Inactive = false, UpdatedAt = e.At };

    public User Apply(TwoFactorEnabled e) => this with { TwoFactorEnabled = true, UpdatedAt = e.At };

    public User Apply(TwoFactorDisabled e) => this with { TwoFactorEnabled = false, UpdatedAt = e.At };
}

/// <summary>Raised by every way of registering, so it lives with the state.</summary>
/// <param name="CreatedAt">When the user was made elsewhere, of those who were; null: now, here.</param>
/// <param name="Reason">
/// Where they came from: <c>clerk</c>, <c>authjs</c> (an application did it), <c>seed</c> (the operator did), or <c>import</c> and the kind of its
/// source; null: they registered here.
/// </param>
/// <param name="EmailVerifiedAt">Since when the address is known to be theirs, where that is not now.</param>
internal sealed record UserRegistered(
    string UserId,
    [PersonalData] string? Name,
    [PersonalData] string? Email,
    [PersonalData] string? Image,
    bool EmailVerified,
    string Role,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)][PersonalData] string? Username = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)][PersonalData] string? DisplayUsername = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsAnonymous = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? CreatedAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? EmailVerifiedAt = null);

/// <summary>A user's own changes.</summary>
/// <param name="Changed">Which members were changed; a member that is not among them is null here.</param>
internal sealed record UserUpdated(
    string UserId,
    IReadOnlyList<string> Changed,
    [PersonalData] string? Name,
    [PersonalData] string? Image,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)][PersonalData] string? Username = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)][PersonalData] string? DisplayUsername = null)
{
    public const string NameMember = "name";
    public const string ImageMember = "image";
    public const string UsernameMember = "username";
    public const string DisplayUsernameMember = "displayUsername";
}

/// <summary>Somebody has shown that the address is theirs.</summary>
/// <param name="Reason">How: <c>link</c>, <c>password_reset</c>, <c>magic_link</c>, <c>email_otp</c>, <c>authjs</c> (an application says so), or the id of a provider that vouches for it.</param>
/// <param name="VerifiedAt">Since when, where that is not now.</param>
internal sealed record UserEmailVerified(
    string UserId, string Reason, DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? VerifiedAt = null);

/// <summary>An application says that nobody knows any more whether the address is theirs.</summary>
internal sealed record UserEmailUnverified(string UserId, string Reason, DateTimeOffset At);

/// <param name="Email">The new address, in lower case.</param>
/// <param name="Verified">Whether it is known to be theirs.</param>
/// <param name="VerifiedAt">Since when, where that is not now.</param>
internal sealed record UserEmailChanged(
    string UserId, [PersonalData] string? Email, bool Verified, DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? VerifiedAt = null);

/// <param name="Reason">By which way: <c>self</c>, <c>self_by_mail</c>, <c>by_administrator</c>, <c>clerk</c>.</param>
/// <param name="KeepsRow">Their row in <c>neon_auth.users_sync</c> stays, without anything personal, until <see cref="UserPurged"/>.</param>
internal sealed record UserDeleted(
    string UserId, string Reason, DateTimeOffset At, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool KeepsRow = false);

/// <summary>The row of a deleted user went, and with it whatever of the applications references it.</summary>
internal sealed record UserPurged(string UserId, DateTimeOffset DeletedAt, DateTimeOffset At);

internal sealed record UserRoleSet(string UserId, string Role, string Reason, DateTimeOffset At);

/// <param name="Reason">In an administrator's own words, which may say anything about them.</param>
internal sealed record UserBanned(
    string UserId,
    [PersonalData] string? Reason,
    DateTimeOffset? Expires,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Inactive = false);

internal sealed record UserUnbanned(string UserId, string Reason, DateTimeOffset At);
