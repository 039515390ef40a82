using System.Text.Json.Serialization;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A way in: a password (<see cref="Credential"/>) or somebody else's word. Unique by issuer and account id (contract §8).
/// A document, with events beside it: the hash of a password and the tokens of a provider are in no event, ever.
/// </summary>
/// <param name="AccessToken">Sealed, like the other two: see <see cref="AccountTokens"/>.</param>
/// <param name="Scope">What the provider has granted, joined by commas.</param>
/// <param name="AuthJs">What an Auth.js application has said of it; null: it did not come from one.</param>
internal sealed record Account(
    string Id,
    string UserId,
    string ProviderId,
    string Issuer,
    string AccountId,
    string? Password,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string? AccessToken = null,
    string? RefreshToken = null,
    string? IdToken = null,
    DateTimeOffset? AccessTokenExpiresAt = null,
    DateTimeOffset? RefreshTokenExpiresAt = null,
    string? Scope = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] AuthJsGrant? AuthJs = null)
{
    public const string KeyIndex = "mt_doc_account_uidx_issuer_account_id";
    public const string CredentialProvider = "credential";
    public const string CredentialIssuer = "local:credential";

    /// <summary>The account of a user who signs in with a password.</summary>
    public static Account Credential(string userId, string passwordHash, DateTimeOffset now) => new(
        Guid.CreateVersion7(now).ToString("N"), userId, CredentialProvider, CredentialIssuer, userId, passwordHash, now, now);

    /// <summary>The account of somebody whom a provider knows; its tokens are added by <see cref="AccountTokens"/>.</summary>
    public static Account Of(string userId, string providerId, ProviderUser person, DateTimeOffset now) => new(
        Guid.CreateVersion7(now).ToString("N"), userId, providerId, person.Issuer, person.Subject, null, now, now);

    /// <summary>The stream of an account's events.</summary>
    public static string StreamOf(string id) => $"account:{id}";

    /// <summary>What the provider has granted, as answers show it.</summary>
    public IReadOnlyList<string> Scopes() => Scope?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];
}

/// <summary>From now on somebody may sign in by a provider.</summary>
/// <param name="AccountId">The account's own id.</param>
/// <param name="Subject">Who they are there.</param>
/// <param name="Reason">How it came: <c>sign_up</c>, <c>same_address</c>, <c>linked_by_user</c>, <c>authjs</c> (an application did it).</param>
internal sealed record AccountLinked(
    string UserId, string AccountId, string ProviderId, string Issuer, [PersonalData] string? Subject, string Reason, DateTimeOffset At);

internal sealed record AccountUnlinked(string UserId, string AccountId, string ProviderId, DateTimeOffset At);

/// <summary>The provider gave new tokens for old ones.</summary>
internal sealed record AccountRefreshed(string UserId, string AccountId, string ProviderId, DateTimeOffset At);

/// <summary>A user wanted to link or unlink an account and was not allowed to.</summary>
/// <param name="Act"><c>link</c> or <c>unlink</c>.</param>
internal sealed record AccountChangeRefused(string UserId, string? ProviderId, string Act, string Reason, DateTimeOffset At);

/// <summary>Somebody came by a provider and was not let in.</summary>
/// <param name="UserId">Whose account or address it was; null: nobody's.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
internal sealed record ProviderSignInRefused(string? UserId, string? AddressHash, string ProviderId, string Reason, DateTimeOffset At);
