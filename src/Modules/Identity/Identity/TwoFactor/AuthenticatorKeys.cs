using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>Makes the secrets of authenticators, and opens them.</summary>
internal sealed class AuthenticatorKeys(SecretBox secrets, BackupCodes backupCodes, IOptions<MailOptions> mail)
{
    /// <summary>A new one: as it is kept, its secret and its backup codes.</summary>
    public (AuthenticatorKey Key, byte[] Secret, IReadOnlyList<string> BackupCodes) Make(string userId)
    {
        var (secret, codes) = (Totp.NewSecret(), BackupCodes.Make());
        return (new AuthenticatorKey(secrets.Seal(Convert.ToHexString(secret), Context(userId)), backupCodes.Hash(userId, codes)), secret, codes);
    }

    /// <summary>The secret; null when it was sealed with another <c>Auth:Secret</c>.</summary>
    public byte[]? Open(string userId, AuthenticatorKey? key) =>
        key is not null && secrets.Open(key.Secret, Context(userId)) is { } hex ? Convert.FromHexString(hex) : null;

    /// <summary>What an app reads from a QR code.</summary>
    /// <param name="secret">As <see cref="Open"/> gives it.</param>
    /// <param name="issuer">What the app calls us; null or empty: as mails do.</param>
    /// <param name="email">Of the user.</param>
    /// <param name="baseUrl">Our public address.</param>
    public string Uri(byte[] secret, string? issuer, string email, string baseUrl) => Totp.Uri(
        secret, string.IsNullOrEmpty(issuer) ? mail.Value.AppName ?? new Uri(baseUrl).Host : issuer, email);

    private static string Context(string userId) => $"authenticator:{userId}";
}
