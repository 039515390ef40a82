using System.Text.Json.Serialization;

namespace Modular.Identity;

/// <summary>
/// A user's authenticator app and backup codes. A document with events beside it: secrets are in no event, ever. Whoever
/// changes it appends to the user's stream at the version that was read before it, so of several changes at once one commits.
/// </summary>
/// <param name="Id">The user's.</param>
/// <param name="Current">What codes are compared with; not in force at sign-in before it is verified.</param>
/// <param name="Next">What takes its place once a code of it was shown: a new app must not lock out whoever failed to scan it.</param>
/// <param name="IsVerified">A code of it was shown once.</param>
/// <param name="LastStep">The step of the last code that was accepted; it and those before are accepted no more (RFC 6238, 5.2).</param>
internal sealed record Authenticator(string Id, AuthenticatorKey Current, AuthenticatorKey? Next, bool IsVerified, long LastStep)
{
    /// <summary>The one that was made last.</summary>
    [JsonIgnore]
    public AuthenticatorKey Latest => Next ?? Current;

    /// <summary>Another app and other codes: in the place of what was never verified, beside what was.</summary>
    public static Authenticator Prepare(Authenticator? known, string userId, AuthenticatorKey key) => known is { IsVerified: true }
        ? known with { Next = key }
        : new Authenticator(userId, key, null, IsVerified: false, LastStep: 0);

    /// <summary>A code of the latest key was shown.</summary>
    public Authenticator Verify(long step) => new(Id, Latest, null, IsVerified: true, step);

    public Authenticator WithBackupCodes(IReadOnlyList<string> hashes) => this with { Current = Current with { BackupCodes = hashes } };
}

/// <param name="Secret">Sealed by <see cref="SecretBox"/>.</param>
/// <param name="BackupCodes">Keyed hashes of those that are left.</param>
internal sealed record AuthenticatorKey(string Secret, IReadOnlyList<string> BackupCodes);
