using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What came of comparing an address and a password with what is stored.</summary>
internal sealed record Attempt(User? User, Account? Account, PasswordMatch Match);

/// <summary>
/// Compares an address and a password with what is stored. Whatever the address is (nobody's, of somebody without a
/// password, banned, unverified), it is one count, two queries and one hash: the time of the answer tells nothing.
/// </summary>
internal sealed class Credentials(IDocumentSession store, PasswordQueue passwords, GuessLimit guesses)
{
    /// <param name="email">In lower case.</param>
    public async Task<Outcome<Attempt>> Check(string email, string password, CancellationToken ct)
    {
        if (await guesses.OfAddress(email, ct) is { } tooMany)
            return tooMany;
        var user = (await store.QueryAsync<User>("where d.email = ?", ct, email)).SingleOrDefault();
        var account = (await store.QueryAsync<Account>(
            "where d.issuer = ? and d.account_id = ?", ct, Account.CredentialIssuer, user?.Id ?? "")).SingleOrDefault();
        var match = await Compare(account?.Password, password, ct);
        return match.Refusal is { } busy ? busy : new Attempt(user, account, match.Answer);
    }

    /// <summary>Compares the password of somebody who is signed in. Refused when it was guessed wrong too often.</summary>
    public async Task<Outcome<PasswordMatch>> Check(Account account, string password, CancellationToken ct) =>
        await guesses.OfUser(account.UserId, ct) is { } tooMany ? tooMany : await Compare(account.Password, password, ct);

    /// <summary>
    /// Makes the hash again with today's parameters. Only over the hash that was compared: a password that somebody
    /// changes in the meantime stays changed, and so does a hash that another sign-in has already renewed.
    /// </summary>
    public async Task Renew(Account account, string password, DateTimeOffset now, CancellationToken ct)
    {
        // A full queue is no reason to refuse somebody who knows the password; the next sign-in tries again.
        if (await passwords.Hash(password, ct) is not { Refusal: null, Answer: var hash })
            return;
        store.QueueSqlCommand(
            """
            update identity.mt_doc_account set mt_version = mt_version + 1,
                data = data || jsonb_build_object('password', ?::text, 'updatedAt', ?::text)
            where id = ? and data ->> 'password' = ?
            """,
            hash, now.ToString("O"), account.Id, account.Password);
    }

    private async Task<Outcome<PasswordMatch>> Compare(string? hash, string password, CancellationToken ct)
    {
        var match = await passwords.Verify(hash, password, ct);
        if (match.Refusal is not null)
            guesses.WasNotCompared();
        else if (match.Answer.IsRight)
            guesses.WasRight();
        return match;
    }
}
