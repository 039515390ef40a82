using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Stages a user's new password, which makes every link void that whoever knew the old one may have asked for, and guesses
/// at the old one count no more; and tells the user by mail (ASVS 5.0 6.3.7).
/// </summary>
internal sealed class NewPassword(
    IDocumentSession store, PasswordQueue passwords, Verifications verifications, GuessLimit guesses, Mailer mailer, Refusals refusals,
    TrustedDevices devices, TimeProvider clock)
{
    /// <summary>The account that a user signs in to with a password; null when they have none.</summary>
    public async Task<Account?> AccountOf(string userId, CancellationToken ct) => (await store.QueryAsync<Account>(
        "where d.issuer = ? and d.account_id = ?", ct, Account.CredentialIssuer, userId)).SingleOrDefault();

    /// <summary>
    /// Makes the account where there is none (contract §6.12). Answers a refusal when too many wait for a hash. Fails at the
    /// commit when the user was deleted, the password changed or somebody signed in since this was read: the command
    /// runs again, and sees it. Whoever ends sessions too does so after this.
    /// </summary>
    /// <param name="user">Whose.</param>
    /// <param name="password">As typed; checked by <see cref="PasswordRules"/> before.</param>
    /// <param name="baseUrl">Our public address.</param>
    /// <param name="happened">The event that tells how it came about.</param>
    /// <param name="compared">The hash that the old password was compared with, where it was asked for.</param>
    public async Task<Refusal?> Set(
        User user, string password, string baseUrl, Func<DateTimeOffset, object> happened, CancellationToken ct, string? compared = null)
    {
        var hash = await passwords.Hash(password, ct);
        if (hash.Refusal is { } busy)
            return busy;
        var (now, stream) = (User.Now(clock), await store.Events.FetchForWriting<User>(user.Id, ct));
        if (stream.Aggregate is null)
            return Refusal.Unauthorized();
        if (await Replace(user.Id, hash.Answer, now, ct, compared) is { } overtaken)
            return overtaken;
        stream.AppendOne(happened(now));
        verifications.Revoke(ResetTicket.Purpose, user.Id);
        verifications.Revoke(EmailTicket.ChangePurpose, user.Id);
        verifications.Revoke(PendingSignIn.Purpose, user.Id);
        await devices.Forget(stream, user.Id, "new_password", ct);
        guesses.Reset(user.Id, user.Email);
        await mailer.SendNotice(MailKind.PasswordChanged, user.Email, baseUrl);
        return null;
    }

    /// <summary>Stages the hash alone. Refused when another one than was compared is there by now.</summary>
    public async Task<Refusal?> Replace(string userId, string hash, DateTimeOffset now, CancellationToken ct, string? compared = null)
    {
        if (await AccountOf(userId, ct) is { } known && await store.LoadRevisionAsync<Account>(known.Id, ct) is { } account)
        {
            if (compared is not null && account.Document.Password != compared)
                return OwnPassword.Wrong;
            store.UpdateRevision(account.Document with { Password = hash, UpdatedAt = now }, account.Number);
            return null;
        }

        refusals.When(Account.KeyIndex, Refusal.Conflict("CONFLICT"));
        store.Insert(Account.Credential(userId, hash, now));
        return null;
    }
}
