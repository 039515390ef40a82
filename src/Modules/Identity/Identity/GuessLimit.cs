using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Limits failed passwords of one account, wherever they come from, once for all nodes (NIST SP 800-63B: at most 100 in a
/// row). An attempt is counted before its password is compared, so that attempts at the same time cannot be more than the
/// limit; the right password takes the count back. Nobody locks the owner out (ASVS 6.1.1): an address from which the
/// password was right has a count of its own, which strangers do not fill. One per scope.
/// </summary>
internal sealed class GuessLimit(GuessCounts counts, IDocumentSession store, Refusals refusals, Caller caller, AddressHash hash)
{
    private Guess? counted;

    /// <summary>Counts a guess at the password of an e-mail address, known or not; 429 when there were too many.</summary>
    /// <param name="email">In lower case.</param>
    public Task<Refusal?> OfAddress(string email, CancellationToken ct) => Count($"address:{email}", ct);

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
            Queue(counts.Trust(here));
    }

    /// <summary>The password was not compared after all.</summary>
    public void WasNotCompared()
    {
        if (counted is { } guess)
            Queue(GuessCounts.TakeBack(guess.Counted));
    }

    /// <summary>There is another password to be guessed: the counts of strangers begin anew.</summary>
    /// <param name="email">In lower case.</param>
    public void Reset(string userId, string email)
    {
        if (!counts.AreLimited)
            return;
        Queue(GuessCounts.Forget(hash.Of($"user:{userId}")));
        Queue(GuessCounts.Forget(hash.Of($"address:{email}")));
    }

    private async Task<Refusal?> Count(string account, CancellationToken ct)
    {
        if (!counts.AreLimited)
            return null;
        var here = caller.IpAddress is { } address ? hash.Of($"{account}\n{address}") : null;
        var (key, wait) = await counts.Count(hash.Of(account), here, ct);
        counted = key is null ? null : new Guess(key, here);
        return key is null ? Refusal.TooManyRequests(wait) : null;
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
