using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Why somebody is not signed in: what the caller is told, and the reason that the log keeps.</summary>
internal sealed record Denial(Refusal Refusal, string Reason);

/// <summary>Signs in whoever knows the password, by whichever name they gave, or asks for their second factor.</summary>
internal sealed class PasswordSignIn(Credentials credentials, SignInRecord record, SecondFactor factor, IOptions<AuthOptions> options)
{
    internal static readonly Refusal NotVerified = Refusal.Forbidden("EMAIL_NOT_VERIFIED");

    /// <param name="email">In lower case; of somebody unknown anything that is no address of anybody.</param>
    /// <param name="password">As typed.</param>
    /// <param name="remember">Whether the session outlives the browser.</param>
    /// <param name="device">The cookie of a trusted device.</param>
    /// <param name="wrong">What a wrong name or password is told.</param>
    public async Task<Outcome<PasswordEntry>> Enter(
        string email, string password, bool remember, string? device, Refusal wrong, CancellationToken ct)
    {
        var check = await credentials.Check(email, password, ct);
        if (check.Refusal is { } busy)
            return busy;
        var (attempt, now) = (check.Answer, record.Now);
        record.Tell(attempt.User, email, "user", attempt.User is null ? "unknown" : "found");
        record.Tell(attempt.User, email, "password", attempt switch { { Account.Password: null } or { Account: null } => "none stored", { Match.IsRight: true } => "right", _ => "wrong" });
        if (Decide(attempt, options.Value.RequireEmailVerification, wrong, now) is { } denial)
        {
            record.Tell(attempt.User, email, "decision", denial.Reason);
            record.Failed(attempt.User, email, denial.Reason);
            return denial.Refusal;
        }

        credentials.Hold(attempt.Account!);
        if (attempt.Match.IsOutdated)
            await credentials.Renew(attempt.Account!, password, now, ct);
        var user = await record.LiftExpiredBan(attempt.User!, ct);
        record.Tell(user, email, "second factor", user.TwoFactorEnabled ? "in force" : "none");
        return await factor.Admit(user, remember, device, ct);
    }

    /// <summary>Only the right password learns of a ban or of a missing verification.</summary>
    internal static Denial? Decide(Attempt attempt, bool requireVerification, Refusal wrong, DateTimeOffset now) => attempt switch
    {
        { User: null } => new Denial(wrong, "unknown_address"),
        { Account.Password: null } or { Account: null } => new Denial(wrong, "no_password"),
        { Match.IsRight: false } => new Denial(wrong, "wrong_password"),
        { User.EmailVerified: false } when requireVerification => new Denial(NotVerified, "email_not_verified"),
        { User: var user } when user.IsBanned(now) => new Denial(Admission.Banned, "banned"),
        _ => null,
    };
}
