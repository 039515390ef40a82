using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A key of a user's, kept by a device or a password manager of theirs, that signs them in. A document, with events beside
/// it; what is stored of it is no secret.
/// </summary>
/// <param name="CredentialId">How authenticators name it, base64url. Unique: a key signs in one user.</param>
/// <param name="PublicKey">As COSE has it, base64.</param>
/// <param name="Counter">How often it had signed when it was last used; 0 for ever where its authenticator does not count.</param>
/// <param name="IsSynced">Whether it may be on several devices of its user's ("multiDevice").</param>
/// <param name="Transports">How its authenticator is reached, joined by commas, as the browser said.</param>
internal sealed record Passkey(
    string Id,
    string UserId,
    string? Name,
    string CredentialId,
    string PublicKey,
    long Counter,
    bool IsSynced,
    bool BackedUp,
    string Transports,
    string Aaguid,
    DateTimeOffset CreatedAt)
{
    public const string CredentialIndex = "mt_doc_passkey_uidx_credential_id";

    /// <summary>More are nobody's devices.</summary>
    public const int MostPerUser = 50;

    /// <summary>The stream of a passkey's events.</summary>
    public static string StreamOf(string id) => $"passkey:{id}";

    /// <summary>
    /// Within a day of signing in. Whoever acts as somebody else must not leave a key behind, so such a session is never fresh
    /// enough.
    /// </summary>
    public static bool MayBeAddedBy(ActiveSession session, DateTimeOffset now) => session.ImpersonatedBy is null && session.IsFresh(now);
}

/// <summary>From now on somebody may sign in with this key.</summary>
internal sealed record PasskeyAdded(
    string UserId, string PasskeyId, [PersonalData] string? Name, bool IsSynced, string Aaguid, DateTimeOffset At);

/// <summary>Somebody has shown that they have the key; a session is started with it unless it is refused for another reason.</summary>
/// <param name="Counter">What the authenticator had counted.</param>
internal sealed record PasskeyUsed(string UserId, string PasskeyId, long Counter, DateTimeOffset At);

internal sealed record PasskeyRenamed(string UserId, string PasskeyId, [PersonalData] string? Name, DateTimeOffset At);

/// <param name="Reason">
/// Why: <c>by_user</c>; <c>address_verified</c> or <c>password_reset</c>: somebody else may have registered the address, before its
/// owner has shown in that way that it is theirs.
/// </param>
internal sealed record PasskeyRemoved(string UserId, string PasskeyId, string Reason, DateTimeOffset At);

/// <summary>Something with a passkey was refused.</summary>
/// <param name="UserId">Whose passkey it is, or who asked.</param>
/// <param name="PasskeyId">Null: none that is known.</param>
/// <param name="Act"><c>register</c>, <c>sign_in</c>, <c>rename</c>, <c>remove</c>.</param>
/// <param name="Reason">
/// <c>counter_went_back</c>: two authenticators have the key, so one of them is a copy. <c>not_verified</c>: the answer of
/// the authenticator proves nothing here. <c>session_not_fresh</c>, <c>challenge_of_another_user</c>, <c>already_registered</c>,
/// <c>too_many_passkeys</c>, <c>unknown_passkey</c>, <c>passkey_of_another_user</c>.
/// </param>
internal sealed record PasskeyRefused(string UserId, string? PasskeyId, string Act, string Reason, DateTimeOffset At);
