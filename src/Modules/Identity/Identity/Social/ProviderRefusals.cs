using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// Why nobody is let in or linked. A browser on its way back learns the code as it is here, in lower case (contract §6.4);
/// a client that asked with an id token learns what <see cref="ToJson"/> makes of it (§6.3).
/// </summary>
internal static class ProviderRefusals
{
    public static readonly Refusal ProviderNotFound = Refusal.NotFound("PROVIDER_NOT_FOUND", "Provider not found");

    public static readonly Refusal IdTokenNotSupported = Refusal.NotFound("ID_TOKEN_NOT_SUPPORTED", "id_token not supported");

    public static readonly Refusal InvalidToken = Refusal.Unauthorized("INVALID_TOKEN", "Invalid token");

    public static readonly Refusal EmailMissing = Refusal.Unauthorized("USER_EMAIL_NOT_FOUND", "User email not found");

    /// <summary>It does not answer; not our fault and not the client's.</summary>
    public static readonly Refusal Unreachable = Refusal.Unavailable("PROVIDER_UNAVAILABLE", "The provider does not answer. Try again later.");

    public static readonly Refusal EmailNotFound = Refusal.Unauthorized("email_not_found");

    public static readonly Refusal NotLinked = Refusal.Unauthorized("account_not_linked");

    public static readonly Refusal SignUpDisabled = Refusal.Unauthorized("signup_disabled");

    public static readonly Refusal UnableToLink = Refusal.Unauthorized("unable_to_link_account");

    public static readonly Refusal NotVerified = Refusal.Forbidden("email_not_verified", "Email not verified");

    public static readonly Refusal Banned = Refusal.Forbidden(
        "BANNED_USER", "You have been banned from this application. Please contact support if you believe this is an error.");

    public static readonly Refusal LinkedElsewhere = Refusal.Conflict("account_already_linked_to_different_user", "Social account already linked");

    public static readonly Refusal OtherEmail = Refusal.Unauthorized("email_does_not_match", "Account not linked - different emails not allowed");

    /// <summary>Somebody else was faster with the same account or address: worth another look, which finds what they made.</summary>
    public static readonly Refusal Overtaken = Refusal.Conflict("overtaken");

    private const int Looks = 3;

    /// <summary>Sends a command again while others are faster.</summary>
    public static async Task<T> Insist<T>(Func<Task<T>> send)
        where T : IOutcome
    {
        var outcome = await send();
        for (var look = 1; look < Looks && outcome.Refusal == Overtaken; look++)
            outcome = await send();
        return outcome;
    }

    /// <summary>As the id-token form of signing in answers.</summary>
    public static Refusal ToJson(Refusal refusal) => refusal switch
    {
        _ when refusal == Banned => refusal,
        _ when refusal == NotVerified => Refusal.Forbidden("EMAIL_NOT_VERIFIED", "Email not verified"),
        _ when refusal == EmailNotFound => EmailMissing,
        _ => Refusal.Unauthorized("OAUTH_LINK_ERROR", refusal.Code.Replace('_', ' ')),
    };

    /// <summary>As the id-token form of linking answers (contract §6.16).</summary>
    public static Refusal ToLinkJson(Refusal refusal) => refusal switch
    {
        _ when refusal == Banned => refusal,
        _ when refusal == EmailNotFound => EmailMissing,
        _ when refusal == LinkedElsewhere => Refusal.Conflict("SOCIAL_ACCOUNT_ALREADY_LINKED", refusal.Message),
        _ when refusal == OtherEmail => Refusal.Unauthorized("LINKING_DIFFERENT_EMAILS_NOT_ALLOWED", refusal.Message),
        _ when refusal == UnableToLink => Refusal.Unauthorized("LINKING_NOT_ALLOWED", "Account not linked - linking not allowed"),
        _ => Refusal.Of(417, "LINKING_FAILED", "Account not linked - unable to create account"),
    };
}
