using MediatR;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Whoever registered an address without showing that it is theirs may have been anybody, waiting for its owner. Once the
/// owner shows it, nothing stays of what was there before: no password, no account elsewhere, no session, no open link, no key
/// (contract §7.5).
/// </summary>
internal sealed class UnprovenAccess(IDocumentSession store, Verifications verifications, IntruderEnd intruder, IMediator mediator, TimeProvider clock)
{
    /// <summary>Stages the end of it all, and that the address is verified; answers the user as they are then.</summary>
    /// <param name="stream">Of a user who is not verified.</param>
    /// <param name="reason">What has shown that the address is theirs.</param>
    public async Task<User> End(IEventStream<User> stream, string reason, CancellationToken ct)
    {
        var (user, now) = (stream.Aggregate!, User.Now(clock));
        foreach (var account in await store.QueryAsync<Account>("where d.user_id = ?", ct, user.Id))
        {
            // As it is now: whoever signs in with it or changes it meanwhile has made another revision, and this runs again.
            if (await store.LoadRevisionAsync<Account>(account.Id, ct) is not { } revision)
                continue;
            store.QueueSqlCommand(1, "delete from identity.mt_doc_account where id = ? and mt_version = ?", account.Id, revision.Number);
            store.Events.Append(Account.StreamOf(account.Id), new AccountUnlinked(user.Id, account.Id, account.ProviderId, now));
        }

        store.QueueSqlCommand("delete from identity.mt_doc_account where user_id = ?", user.Id);
        verifications.RevokeAll(user.Id);
        await mediator.Send(new EndSessionsOfUser(user.Id, "address_verified"), ct);
        var verified = new UserEmailVerified(user.Id, reason, now);
        stream.AppendOne(verified);
        return await intruder.Stage(stream, user.Apply(verified), "address_verified", ct);
    }
}
