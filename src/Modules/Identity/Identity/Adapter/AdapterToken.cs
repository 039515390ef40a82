namespace Modular.Identity;

/// <summary>
/// What an Auth.js application has put into a mail, as far as it is told: the address and a digest. Kept as a
/// <see cref="Verification"/> under both, so that of the digest only a digest is stored.
/// </summary>
internal sealed record AdapterToken(DateTimeOffset Expires)
{
    public const string Purpose = "authjs";

    /// <summary>Both in one, so that no other pair is the same.</summary>
    public static string KeyOf(string identifier, string token) => $"{identifier.Length}:{identifier}{token}";
}

/// <summary>As Auth.js has it, and nothing else.</summary>
internal sealed record AuthJsVerificationToken(string Identifier, string Token, DateTimeOffset Expires);

/// <summary>An application is about to mail a link to an address.</summary>
/// <param name="UserId">Whose address it is; null: nobody's yet.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
internal sealed record VerificationTokenCreated(string? UserId, string? AddressHash, DateTimeOffset ExpiresAt, DateTimeOffset At);

/// <summary>Such a link was opened.</summary>
/// <param name="UserId">Whose address it is; null: nobody's yet.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
/// <param name="IsExpired">Whether it was too late, so that the application lets nobody in.</param>
internal sealed record VerificationTokenUsed(string? UserId, string? AddressHash, bool IsExpired, DateTimeOffset At);
