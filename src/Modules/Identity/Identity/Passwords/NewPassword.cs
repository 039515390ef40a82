using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Stages a user's new password, which makes every link for setting one void and guesses at the old one count no more, and
/// tells them by mail (ASVS 5.0 6.3.7).
/// </summary>
internal sealed class NewPassword(
    IDocumentSession store, PasswordQueue passwords, Verifications verifications, GuessLimit guesses, Mailer mailer, TimeProvider clock)
{
    /// <summary>The account that a user signs in to with a password; null when they have none.</summary>
    public async Task<Account?> AccountOf(string userId, CancellationToken ct) => (await store.QueryAsync<Account>(
        "where d.issuer = ? and d.account_id = ?", ct, Account.CredentialIssuer, userId)).SingleOrDefault();

    /// <summary>Makes the account where there is none (contract §6.12). Answers a refusal when too many wait for a hash.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="password">As typed; checked by <see cref="PasswordRules"/> before.</param>
    /// <param name="baseUrl">Our public address.</param>
    /// <param name="happened">The event that tells how it came about.</param>
    public async Task<Refusal?> Set(User user, string password, string baseUrl, Func<DateTimeOffset, object> happened, CancellationToken ct)
    {
        var hash = await passwords.Hash(password, ct);
        if (hash.Refusal is { } busy)
            return busy;
        var now = User.Now(clock);
        store.Store(await AccountOf(user.Id, ct) is { } account
            ? account with { Password = hash.Answer, UpdatedAt = now }
            : Account.Credential(user.Id, hash.Answer, now));
        store.Events.Append(user.Id, happened(now));
        verifications.Revoke(ResetTicket.Purpose, user.Id);
        guesses.Reset(user.Id, user.Email);
        await mailer.SendNotice(MailKind.PasswordChanged, user.Email, baseUrl);
        return null;
    }
}
