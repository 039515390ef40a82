using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Compares codes that people type, and records what happens to them.</summary>
internal sealed class EmailCodeCheck(
    IDocumentSession store, EmailCodes codes, GuessLimit guesses, Registration registration, Refusals refusals, AddressHash addresses, TimeProvider clock)
{
    /// <summary>
    /// Null: right. What is wrong is recorded, and counted twice: against this code, and, as long as nobody gets one right,
    /// against all codes of the address (<see cref="GuessLimit"/>), whatever they were for.
    /// </summary>
    /// <param name="key">Which code.</param>
    /// <param name="code">As typed.</param>
    /// <param name="email">Whose mailbox it shows, in lower case.</param>
    /// <param name="uses">Whether a right one is used up.</param>
    public async Task<Refusal?> Refuse(CodeKey key, string code, string email, bool uses, CancellationToken ct)
    {
        if (await guesses.OfCode(email, ct) is { } tooManyFailures)
        {
            if (guesses.IsFirstRefusal)
                await Record(key, email, "too_many_failures", ct);
            return tooManyFailures;
        }

        var refusal = await codes.Compare(key, code);
        if (refusal is null)
        {
            guesses.WasRight();
            if (uses)
                codes.Use(key, code);
            return null;
        }

        if (refusal != EmailCodeRefusals.Invalid)
            guesses.WasNotCompared();
        await Record(key, email, ReasonOf(refusal), ct);
        return refusal == EmailCodeRefusals.None ? EmailCodeRefusals.Invalid : refusal;
    }

    /// <summary>A code was right and did nothing all the same.</summary>
    public async Task<Refusal> RefuseRight(CodeKey key, string email, Refusal refusal, CancellationToken ct)
    {
        await Record(key, email, refusal.Code.ToLowerInvariant(), ct);
        return refusal;
    }

    /// <summary>Stages the event of a code that a user has used. Fails at the commit when they are deleted meanwhile.</summary>
    public void Used(IEventStream<User> stream, CodeKey key) =>
        stream.AppendOne(new EmailCodeUsed(stream.Aggregate!.Id, key.Purpose, User.Now(clock)));

    public Task<IEventStream<User>> StreamOf(User user, CancellationToken ct) => store.Events.FetchForWriting<User>(user.Id, ct);

    internal static string ReasonOf(Refusal refusal) => refusal switch
    {
        _ when refusal == EmailCodeRefusals.None => "no_code",
        _ when refusal == EmailCodeRefusals.Expired => "code_expired",
        _ when refusal == EmailCodeRefusals.TooMany => "too_many_attempts",
        _ => "wrong_code",
    };

    // In a stream of its own: guesses at one address must not wait for each other.
    private async Task Record(CodeKey key, string email, string reason, CancellationToken ct)
    {
        var user = await registration.Find(email, ct);
        var now = User.Now(clock);
        refusals.Record(
            $"email-code:{Guid.CreateVersion7(clock.GetUtcNow()):N}",
            key.Purpose == CodeKey.SignInPurpose
                ? new SignInFailed(user?.Id, user is null ? addresses.Of(email) : null, reason, now)
                : new EmailCodeRefused(user?.Id, user is null ? addresses.Of(email) : null, key.Purpose, reason, now));
    }
}

/// <summary>A code from a mail was used.</summary>
/// <param name="Purpose">What for: <c>email-otp</c> (signing in), <c>verify-email</c>, <c>reset-password</c>, <c>change-email</c>.</param>
internal sealed record EmailCodeUsed(string UserId, string Purpose, DateTimeOffset At);

/// <summary>A code that was typed did nothing; of signing in <see cref="SignInFailed"/> tells.</summary>
/// <param name="UserId">Whose address it was; null: nobody's.</param>
/// <param name="AddressHash">A keyed hash of an address that is nobody's.</param>
/// <param name="Reason"><c>wrong_code</c>, <c>no_code</c>, <c>code_expired</c>, <c>too_many_attempts</c>, <c>too_many_failures</c>, <c>user_not_found</c>.</param>
internal sealed record EmailCodeRefused(string? UserId, string? AddressHash, string Purpose, string Reason, DateTimeOffset At);
