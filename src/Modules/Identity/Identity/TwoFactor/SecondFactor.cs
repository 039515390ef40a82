using Modular.Store;

namespace Modular.Identity;

/// <summary>What the right password brings: somebody is in, or is asked for their second factor.</summary>
/// <param name="In">Null: not yet.</param>
/// <param name="Challenge">Null: nothing more is asked.</param>
/// <param name="Device">The next value of a trusted device's cookie.</param>
internal sealed record PasswordEntry(SignedInUser? In, Challenge? Challenge = null, string? Device = null);

/// <param name="Token">What the cookie holds.</param>
/// <param name="Methods">How the second factor may be shown.</param>
/// <param name="Remember">As wished at the sign-in.</param>
internal sealed record Challenge(string Token, IReadOnlyList<string> Methods, bool Remember);

/// <summary>What a challenge stands for.</summary>
internal sealed record PendingSignIn(string UserId, bool Remember)
{
    public const string Purpose = "two-factor";

    public static readonly TimeSpan Life = TimeSpan.FromMinutes(10);
}

/// <summary>
/// Lets in whoever knew the password, or asks for their second factor: the one way from a right password to a session. The
/// caller holds the account (<see cref="Credentials.Hold"/>), so that a password that changes meanwhile asks for nothing.
/// </summary>
internal sealed class SecondFactor(
    IDocumentSession store, Verifications verifications, TrustedDevices devices, Admission admission, Mailer mailer, TimeProvider clock)
{
    public const string Totp = "totp";
    public const string Otp = "otp";

    /// <param name="user">Not banned.</param>
    /// <param name="remember">Of the session, now or after the challenge.</param>
    /// <param name="device">The cookie of a trusted device, if any.</param>
    public async Task<PasswordEntry> Admit(User user, bool remember, string? device, CancellationToken ct)
    {
        if (!user.TwoFactorEnabled)
            return new PasswordEntry(await Enter(user, remember, ct));
        if (await devices.Use(user.Id, device, ct) is { } next)
        {
            store.Events.Append(NewStream(), new TwoFactorSkipped(user.Id, "trusted_device", User.Now(clock)));
            return new PasswordEntry(await Enter(user, remember, ct), Device: next);
        }

        var token = verifications.Issue(PendingSignIn.Purpose, new PendingSignIn(user.Id, remember), PendingSignIn.Life, user.Id);
        store.Events.Append(NewStream(), new TwoFactorAsked(user.Id, User.Now(clock)));
        return new PasswordEntry(null, new Challenge(token, await Methods(user.Id, ct), remember));
    }

    private async Task<IReadOnlyList<string>> Methods(string userId, CancellationToken ct)
    {
        var hasApp = await store.LoadAsync<Authenticator>(userId, ct) is { IsVerified: true };
        return [.. hasApp ? [Totp] : Array.Empty<string>(), .. mailer.IsOn ? [Otp] : Array.Empty<string>()];
    }

    private async Task<SignedInUser> Enter(User user, bool remember, CancellationToken ct) =>
        new(await admission.Admit(user, remember, "password", ct), user.ToPrincipal());

    private string NewStream() => $"two-factor:{Guid.CreateVersion7(clock.GetUtcNow()):N}";
}
