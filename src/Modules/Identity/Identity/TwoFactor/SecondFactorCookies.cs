using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>The cookies of the second factor, contract §2.1 and §7.3.</summary>
internal sealed class SecondFactorCookies(SignedCookies cookies, SessionCookies sessions)
{
    private const string Pending = "two_factor";
    private const string Trusted = "trust_device";
    private const string Prefix = "2fa-";

    public string? ReadDevice(HttpContext context) => cookies.Read(context, Trusted);

    public string? ReadChallenge(HttpContext context) =>
        cookies.Read(context, Pending) is { } value && value.StartsWith(Prefix, StringComparison.Ordinal) ? value[Prefix.Length..] : null;

    /// <summary>The answer to a right password: what <paramref name="signedIn"/> makes of it, or the challenge.</summary>
    public IResult Answer(HttpContext context, PasswordEntry signIn, Func<SignedInUser, IResult> signedIn)
    {
        if (signIn.In is { } entered)
        {
            sessions.Start(context, entered.Session.Token, entered.Session.CookieLifetime);
            if (signIn.Device is { } device)
                cookies.Set(context, Trusted, device, TrustedDevices.Life);
            return signedIn(entered);
        }

        var challenge = signIn.Challenge!;
        sessions.Expire(context);
        if (!challenge.Remember)
            cookies.Set(context, SessionCookies.NotRemembered, "true", null);
        if (ReadDevice(context) is not null)
            cookies.Delete(context, Trusted);
        cookies.Set(context, Pending, Prefix + challenge.Token, PendingSignIn.Life);
        return WireJson.Ok(new { TwoFactorRedirect = true, TwoFactorMethods = challenge.Methods });
    }

    /// <summary>Somebody has shown their second factor.</summary>
    public void Passed(HttpContext context, CodeAccepted accepted)
    {
        if (accepted.Session is { } session)
            sessions.Start(context, session.Token, session.CookieLifetime);
        if (accepted.EndsChallenge)
            cookies.Delete(context, Pending);
        if (accepted.Device is not { } device)
            return;
        cookies.Set(context, Trusted, device, TrustedDevices.Life);
        cookies.Delete(context, SessionCookies.NotRemembered);
    }

    /// <summary>A challenge is over.</summary>
    public void EndChallenge(HttpContext context) => cookies.Delete(context, Pending);

    public void EndTrust(HttpContext context)
    {
        if (ReadDevice(context) is not null)
            cookies.Delete(context, Trusted);
    }
}
