using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Adds an account to a user who is signed in and asked for it, by the rules of contract §6.16.</summary>
internal sealed class AccountLinking(
    IDocumentSession store, AccountTokens tokens, Refusals refusals, ProviderSignInRecord record, IOptions<ProvidersOptions> providers)
{
    public async Task<Outcome> Link(string userId, Arrival arrival, CancellationToken ct)
    {
        // Deleted, or banned, since the browser was sent away.
        if (await store.LoadAsync<User>(userId, ct) is not { } user)
            return ProviderRefusals.UnableToLink;
        var known = (await store.QueryAsync<Account>(
            "where d.issuer = ? and d.account_id = ?", ct, arrival.Person.Issuer, arrival.Person.Subject)).SingleOrDefault();
        if (Decide(providers.Value.All[arrival.ProviderId], arrival.Person, user, known, record.Now) is { } refusal)
        {
            refusals.Record(
                $"linking:{user.Id}", new AccountChangeRefused(user.Id, arrival.ProviderId, "link", refusal.Code.ToLowerInvariant(), record.Now));
            return refusal;
        }

        if (known is not null)
        {
            if (await store.LoadRevisionAsync<Account>(known.Id, ct) is { } current)
                store.UpdateRevision(tokens.Grant(current.Document, arrival.Tokens, record.Now), current.Number);
            return Outcome.Done;
        }

        var account = Account.Of(user.Id, arrival.ProviderId, arrival.Person, record.Now);
        record.Link(tokens.Grant(account, arrival.Tokens, record.Now), "linked_by_user");
        return Outcome.Done;
    }

    internal static Refusal? Decide(ProviderOptions provider, ProviderUser person, User user, Account? known, DateTimeOffset now) => known switch
    {
        _ when user.IsBanned(now) => ProviderRefusals.Banned,
        { UserId: var owner } => owner == user.Id ? null : ProviderRefusals.LinkedElsewhere,
        _ when !provider.Trusted && !person.EmailVerified => ProviderRefusals.UnableToLink,
        _ when !provider.LinkDifferentEmails && person.Email != user.Email => ProviderRefusals.OtherEmail,
        _ => null,
    };
}
