using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Somebody who is signed in shows that they know their password, before something delicate.</summary>
internal sealed class OwnPassword(NewPassword accounts, Credentials credentials, GuessLimit guesses, Refusals refusals, TimeProvider clock)
{
    internal static readonly Refusal NoPassword = Refusal.BadRequest("CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found");

    internal static readonly Refusal Wrong = Refusal.BadRequest("INVALID_PASSWORD", "Invalid password");

    /// <summary>The account that it opens, when it is theirs. A wrong password is recorded; one too many is not compared (<see cref="GuessLimit"/>).</summary>
    /// <param name="userId">Whose.</param>
    /// <param name="password">As typed.</param>
    /// <param name="act">What it was for: a stable code for the log.</param>
    /// <param name="missing">The answer when there is no password.</param>
    public async Task<Outcome<Account>> Check(string userId, string password, string act, Refusal missing, CancellationToken ct)
    {
        var account = await accounts.AccountOf(userId, ct);
        if (account?.Password is null)
            return Refuse(userId, act, "no_password", missing);
        var match = await credentials.Check(account, password, ct);
        if (match.Refusal is { } notCompared)
            return guesses.IsFirstRefusal ? Refuse(userId, act, "too_many_failures", notCompared) : notCompared;
        return match.Answer.IsRight ? account : Refuse(userId, act, "wrong_password", Wrong);
    }

    private Refusal Refuse(string userId, string act, string reason, Refusal refusal)
    {
        // In a stream of its own: guesses at one account must not wait for each other.
        var stream = $"password:{Guid.CreateVersion7(clock.GetUtcNow()):N}";
        refusals.Record(stream, new PasswordRefused(userId, act, reason, User.Now(clock)));
        return refusal;
    }
}

/// <summary>Somebody who is signed in did not know the user's password.</summary>
/// <param name="Act">What they wanted: <c>change_password</c>, <c>verify_password</c>, <c>delete_user</c>, <c>enable_two_factor</c> and the like.</param>
internal sealed record PasswordRefused(string UserId, string Act, string Reason, DateTimeOffset At);
