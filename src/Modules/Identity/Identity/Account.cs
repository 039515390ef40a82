namespace Modular.Identity;

/// <summary>
/// A way in: a password (<see cref="Credential"/>) or somebody else's word. Unique by issuer and account id (contract §8).
/// A document and no events: the hash of a password is in no event, ever.
/// </summary>
internal sealed record Account(
    string Id,
    string UserId,
    string ProviderId,
    string Issuer,
    string AccountId,
    string? Password,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public const string CredentialProvider = "credential";
    public const string CredentialIssuer = "local:credential";

    /// <summary>The account of a user who signs in with a password.</summary>
    public static Account Credential(string userId, string passwordHash, DateTimeOffset now) => new(
        Guid.CreateVersion7(now).ToString("N"), userId, CredentialProvider, CredentialIssuer, userId, passwordHash, now, now);
}
