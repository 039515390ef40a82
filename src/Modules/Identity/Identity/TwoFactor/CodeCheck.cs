using Microsoft.AspNetCore.Http;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Who shows a code: somebody signed in, else somebody whose password was right.</summary>
/// <param name="Remember">Of a session that replaces this one.</param>
/// <param name="Challenge">The token of the challenge; null: none.</param>
internal sealed record Asker(ActiveSession? Session, bool Remember, string? Challenge, string BaseUrl)
{
    public static async Task<Asker> Of(HttpContext context, SecondFactorCookies cookies, SessionCookies sessions, PublicAddress address)
    {
        var session = await SignedInExtensions.Identify(context);
        return new Asker(
            session, !sessions.IsNotRemembered(context), session is null ? cookies.ReadChallenge(context) : null, address.For(context).ToString());
    }
}

/// <summary>The user whose code it is to be.</summary>
/// <param name="Pending">The sign-in that waits for it; null: they are signed in.</param>
internal sealed record Asked(IEventStream<User> Stream, User User, Asker Asker, PendingSignIn? Pending)
{
    public bool IsSignIn => Pending is not null;
}

/// <summary>What a right code brings.</summary>
/// <param name="Session">A new one; null: the caller's own goes on.</param>
/// <param name="Device">The cookie of a device that is trusted from now on.</param>
internal sealed record CodeAccepted(SessionPrincipal User, StartedSession? Session = null, bool EndsChallenge = false, string? Device = null);

/// <summary>What every way of showing the second factor has in common: whose it is, how often it may be tried, and what it opens.</summary>
internal sealed class CodeCheck(
    IDocumentSession store, Verifications verifications, CodeGuesses guesses, TrustedDevices devices, Admission admission, Refusals refusals,
    TimeProvider clock)
{
    internal static readonly Refusal InvalidCookie = Refusal.Unauthorized("INVALID_TWO_FACTOR_COOKIE", "Invalid two factor cookie");

    internal static readonly Refusal InvalidCode = Refusal.Unauthorized("INVALID_CODE", "Invalid code");

    internal static readonly Refusal TooMany = Refusal.BadRequest(
        "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE", "Too many attempts. Please request a new code.");

    internal static readonly Refusal Locked = Refusal.Of(
        StatusCodes.Status429TooManyRequests,
        "ACCOUNT_TEMPORARILY_LOCKED",
        "Too many failed verification attempts. Your account is temporarily locked. Please try again later.");

    internal static readonly Refusal NoApp = Refusal.BadRequest("TOTP_NOT_ENABLED", "TOTP not enabled");

    internal static readonly Refusal NoMail = Refusal.BadRequest("OTP_NOT_CONFIGURED", "OTP is not available");

    private int inARow;

    /// <summary>Before anything else is read: whatever is decided holds only at the version of this stream.</summary>
    public async Task<Outcome<Asked>> Find(Asker asker, CancellationToken ct)
    {
        if (asker.Session is { } session)
        {
            var own = await store.Events.FetchForWriting<User>(session.UserId, ct);
            return own.Aggregate is { } user ? new Asked(own, user, asker, null) : Refusal.Unauthorized();
        }

        if (asker.Challenge is not { } token || await verifications.Find<PendingSignIn>(PendingSignIn.Purpose, token, ct) is not { } pending)
            return InvalidCookie;
        if (await guesses.IsVoid(token, ct))
            return InvalidCookie;
        var stream = await store.Events.FetchForWriting<User>(pending.UserId, ct);
        return stream.Aggregate is { } person ? new Asked(stream, person, asker, pending) : InvalidCookie;
    }

    /// <summary>Counts one code before it is compared; refused when there were too many.</summary>
    /// <param name="method">For the log.</param>
    /// <param name="within">What has a limit of its own, a challenge or a mailed code; null: nothing.</param>
    public async Task<Refusal?> Count(Asked asked, string method, string? within, CancellationToken ct)
    {
        if (await guesses.IsLocked(asked.User.Id, ct))
            return Locked;
        if (within is not null && await guesses.OfChallenge(within) is null)
        {
            var (sql, parameters) = guesses.Void(within);
            refusals.QueueSqlCommand(sql, parameters);
            return Failed(asked, method, "too_many_codes", TooMany);
        }

        if (await guesses.OfUser(asked.User.Id) is { } number)
        {
            inARow = number;
            return null;
        }

        if (within is not null)
        {
            var (sql, parameters) = guesses.TakeBack(within);
            refusals.QueueSqlCommand(sql, parameters);
        }

        return Locked;
    }

    /// <summary>Records that a code was wrong.</summary>
    public Refusal Wrong(Asked asked, string method, Refusal refusal, string reason = "wrong_code") =>
        Failed(asked, method, inARow >= CodeGuesses.MostPerUser ? "locked" : reason, refusal);

    /// <summary>
    /// Stages what a right code brings. The event is appended at the version that was read: of several uses of one code, and of a use
    /// and a change of the password, one commits and the other runs again.
    /// </summary>
    public async Task<Outcome<CodeAccepted>> Right(Asked asked, string method, bool trust, CancellationToken ct, bool startsSession = true)
    {
        asked.Stream.AppendOne(new TwoFactorVerified(asked.User.Id, method, asked.IsSignIn ? "sign_in" : "in_session", User.Now(clock)));
        var (sql, parameters) = guesses.Forget(asked.User.Id);
        store.QueueSqlCommand(sql, parameters);
        if (asked.Pending is not { } pending || !startsSession)
            return new CodeAccepted(asked.User.ToPrincipal());
        verifications.Consume(PendingSignIn.Purpose, asked.Asker.Challenge!);
        var entered = await admission.Enter(asked.User, pending.Remember, $"password_{method}", ct);
        if (entered.Refusal is { } banned)
            return banned;
        return new CodeAccepted(
            entered.Answer.User, entered.Answer.Session, EndsChallenge: true, trust ? devices.Trust(asked.Stream, asked.User.Id) : null);
    }

    private Refusal Failed(Asked asked, string method, string reason, Refusal refusal)
    {
        // In a stream of its own: guesses at one account must not wait for each other.
        refusals.Record($"two-factor:{Guid.CreateVersion7(clock.GetUtcNow()):N}", new TwoFactorFailed(asked.User.Id, method, reason, User.Now(clock)));
        return refusal;
    }
}
