using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What a browser was asked to sign.</summary>
/// <param name="UserId">Who was signed in; null: nobody.</param>
/// <param name="State">For the framework's handler.</param>
internal sealed record PasskeyChallenge(string? UserId, string State)
{
    public const string RegistrationPurpose = "passkey-registration";
    public const string SignInPurpose = "passkey-sign-in";

    /// <summary>Contract §7.4.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(5);
}

/// <summary>
/// Challenges, each good for one answer from the browser it was made for, in the ceremony it was made for. The browser's
/// cookie names it.
/// </summary>
internal sealed class PasskeyChallenges(Verifications verifications, Refusals refusals)
{
    public static readonly Refusal NotFound = Refusal.BadRequest("CHALLENGE_NOT_FOUND", "Challenge not found");

    // Its full name begins with the prefix of all cookies once more (contract §2.1).
    private const string Cookie = "better-auth-passkey";

    public static void Send(SignedCookies cookies, HttpContext context, string token) => cookies.Set(context, Cookie, token, PasskeyChallenge.Life);

    public static string? Read(SignedCookies cookies, HttpContext context) => cookies.Read(context, Cookie);

    public string Issue(string purpose, PasskeyChallenge challenge) =>
        verifications.Issue(purpose, challenge, PasskeyChallenge.Life, challenge.UserId);

    /// <summary>The challenge, which is used up whatever becomes of it; null when there is none.</summary>
    public async Task<PasskeyChallenge?> Take(string purpose, string? token, CancellationToken ct)
    {
        if (string.IsNullOrEmpty(token) || await verifications.Find<PasskeyChallenge>(purpose, token, ct) is not { } challenge)
            return null;
        verifications.ConsumeEvenIfRefused(purpose, token, refusals);
        return challenge;
    }
}
