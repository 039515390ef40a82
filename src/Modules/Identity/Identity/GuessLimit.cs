using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Limits failed passwords of one account, wherever they come from, once for all nodes (NIST SP 800-63B: at most 100 in a
/// row). An attempt is counted before its password is compared, so that attempts at the same time cannot be more than the
/// limit; the right password takes the count back. Nobody locks the owner out (ASVS 6.1.1): an address from which the
/// owner has come in, by whichever way, has a count of its own, which nobody fills from elsewhere. One per scope.
/// </summary>
internal sealed class GuessLimit(GuessCounts counts, IDocumentSession store, Refusals refusals, Caller caller, AddressHash hash)
{
    private Guess? counted;

    // What a right password has made known already; admitting whoever gave it has nothing to add.
    private string? trusted;

    /// <summary>Whether the guess was refused, and the first one since its wait began: that one is recorded, or whoever guesses fills the log.</summary>
    public bool IsFirstRefusal { get; private set; }

    /// <summary>Counts a guess at the password of an e-mail address, known or not; 429 when there were too many.</summary>
    /// <param name="email">In lower case.</param>
    public Task<Refusal?> OfAddress(string email, CancellationToken ct) => Count(AddressOf(email), ct);

    /// <summary>Counts a guess at the password of somebody who is signed in; 429 when there were too many.</summary>
    public Task<Refusal?> OfUser(string userId, CancellationToken ct) => Count($"user:{userId}", ct);

    /// <summary>
    /// The password was right, whatever comes of it: the count begins anew, and the caller's address is known from now on.
    /// </summary>
    public void WasRight()
    {
        if (counted is not { } guess)
            return;
        if (guess.Counted != guess.FromHere)
            Queue(GuessCounts.Forget(guess.Counted));
        if (guess.FromHere is { } here)
        {
            Queue(counts.Trust(here));
            trusted = here;
        }
    }

    /// <summary>The password was not compared after all.</summary>
    public void WasNotCompared()
    {
        if (counted is { } guess)
            Queue(GuessCounts.TakeBack(guess.Counted));
    }

    /// <summary>A user has shown who they are without a password that was compared: the caller's address is known from now on.</summary>
    public void Know(User user)
    {
        if (!counts.AreLimited || FromHere(AddressOf(user.Email)) is not { } here || here == trusted)
            return;
        var (sql, parameters) = counts.Know(here);
        store.QueueSqlCommand(sql, parameters);
    }

    /// <summary>
    /// There is another password to be guessed: the counts of strangers begin anew, and the address of whoever set it is known.
    /// </summary>
    /// <param name="email">In lower case.</param>
    public void Reset(string userId, string email)
    {
        if (!counts.AreLimited)
            return;
        Queue(GuessCounts.Forget(hash.Of($"user:{userId}")));
        Queue(GuessCounts.Forget(hash.Of(AddressOf(email))));
        if (FromHere(AddressOf(email)) is { } here)
            Queue(counts.Know(here));
    }

    /// <summary>The operator ends every wait of a user; whether guesses are limited here or not, they may be elsewhere.</summary>
    /// <returns>How many failures are forgotten.</returns>
    public async Task<long> Unlock(User user, CancellationToken ct)
    {
        var failures = 0L;
        string[] accounts = [$"user:{user.Id}", AddressOf(user.Email), CodesOf(user.Email), CodeGuesses.AccountOf(user.Id)];
        foreach (var account in accounts.Select(hash.Of))
        {
            failures += await counts.FailuresOf(account, ct);
            Queue(GuessCounts.Unlock(account));
        }

        return failures;
    }

    /// <summary>
    /// Counts a guess at a code that was mailed to an address, known or not; 429 when there were too many, over all codes. A
    /// count beside the password's: whoever guesses at one keeps nobody from the other.
    /// </summary>
    /// <param name="email">In lower case.</param>
    public Task<Refusal?> OfCode(string email, CancellationToken ct) => Count(CodesOf(email), ct);

    private static string CodesOf(string email) => $"code:{email}";

    private static string AddressOf(string email) => $"address:{email}";

    private string? FromHere(string account) =>
        caller.IpAddress is { } address ? GuessCounts.FromHere(hash.Of(account), hash.Of($"{account}\n{address}")) : null;

    private async Task<Refusal?> Count(string account, CancellationToken ct)
    {
        if (!counts.AreLimited)
            return null;
        var here = FromHere(account);
        var count = await counts.Count(hash.Of(account), here, ct);
        (counted, trusted) = (count.Key is null ? null : new Guess(count.Key, here), null);
        IsFirstRefusal = count.IsFirstRefusal;
        return count.Key is null ? Refusal.TooManyRequests(count.Wait) : null;
    }

    // With what the handler does, or with its refusal: a banned user's right password is right.
    private void Queue((string Sql, object[] Parameters) command)
    {
        store.QueueSqlCommand(command.Sql, command.Parameters);
        refusals.QueueSqlCommand(command.Sql, command.Parameters);
    }

    /// <param name="Counted">The key that was counted on.</param>
    /// <param name="FromHere">The key of this account from the caller's address; null: the address is not known.</param>
    private sealed record Guess(string Counted, string? FromHere);
}
