using MediatR;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What people who come by a provider leave in the log.</summary>
internal sealed class ProviderSignInRecord(
    IDocumentSession store, Refusals refusals, AddressHash addresses, IMediator mediator, TimeProvider clock)
{
    public DateTimeOffset Now => User.Now(clock);

    /// <summary>Two first sign-ins at once: one makes the account, the other finds it when it looks again.</summary>
    public void ExpectRace()
    {
        refusals.When(Account.KeyIndex, ProviderRefusals.Overtaken);
        refusals.When(User.EmailIndex, ProviderRefusals.Overtaken);
    }

    /// <summary>Stages the account of a user who is there, and still is at the commit: an account must not outlive its user.</summary>
    public void Link(Account account, string reason)
    {
        ExpectRace();
        store.Insert(account);
        store.QueueSqlCommand(1, "update identity.mt_doc_user set mt_version = mt_version where id = ?", account.UserId);
        Linked(account, reason);
    }

    public void Linked(Account account, string reason) => store.Events.Append(
        Account.StreamOf(account.Id),
        new AccountLinked(account.UserId, account.Id, account.ProviderId, account.Issuer, account.AccountId, reason, Now));

    public Task AskVerification(Arrival arrival, CancellationToken ct) =>
        arrival.Verification is { } wish ? mediator.Send(new AskVerification(wish), ct) : Task.CompletedTask;

    /// <summary>Records the refusal and answers it. In a stream of its own: many at once must not wait for each other.</summary>
    public Refusal Refused(Arrival arrival, User? user, Refusal refusal)
    {
        refusals.Record(NewStream(), Event(arrival, user, refusal));
        return refusal;
    }

    /// <summary>Known now, but not signed in; commits with what became known.</summary>
    public void NotVerified(Arrival arrival, User user) =>
        store.Events.Append(NewStream(), Event(arrival, user, ProviderRefusals.NotVerified));

    /// <summary>What a sign-in shows of a user: that a ban is over, that a provider has verified their address.</summary>
    public async Task<User> Learn(User user, Arrival arrival, CancellationToken ct)
    {
        var isVerifiedNow = !user.EmailVerified && arrival.Person.EmailVerified && arrival.Person.Email == user.Email;
        if (!user.Banned && !isVerifiedNow)
            return user;
        var stream = await store.Events.FetchForWriting<User>(user.Id, ct);
        if (stream.Aggregate is not { } current)
            return user;
        if (current.Banned)
        {
            var lifted = new UserUnbanned(user.Id, "expired", Now);
            stream.AppendOne(lifted);
            current = current.Apply(lifted);
        }

        if (isVerifiedNow)
        {
            var verified = new UserEmailVerified(user.Id, arrival.ProviderId, Now);
            stream.AppendOne(verified);
            current = current.Apply(verified);
        }

        return current;
    }

    private ProviderSignInRefused Event(Arrival arrival, User? user, Refusal refusal) => new(
        user?.Id, user is null ? addresses.Of(arrival.Person.Email!) : null, arrival.ProviderId, refusal.Code.ToLowerInvariant(), Now);

    private string NewStream() => $"sign-in:{Guid.CreateVersion7(clock.GetUtcNow()):N}";
}
