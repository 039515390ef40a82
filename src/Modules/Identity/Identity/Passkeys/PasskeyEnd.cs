using Modular.Messaging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Stages the end of all passkeys of a user.</summary>
internal sealed class PasskeyEnd(IDocumentSession store, PasskeyStore passkeys, PasskeyRecord record, IMessageBus bus, TimeProvider clock) : IEndOfUser
{
    /// <summary>Of a user who is deleted: that is said already.</summary>
    public Task Stage(User user, DateTimeOffset now, CancellationToken ct) => Delete(user.Id, ct);

    /// <summary>
    /// Of a user whose address somebody shows to be theirs, after it may have been registered by somebody else: who did may
    /// have left a key behind, with which they would get in for ever. Other modules hear of it.
    /// </summary>
    /// <param name="userId">Whose.</param>
    /// <param name="reason">How they show it: <c>address_verified</c>, <c>password_reset</c>.</param>
    public async Task OfIntruder(string userId, string reason, CancellationToken ct)
    {
        foreach (var passkey in await Delete(userId, ct))
            record.Gone(passkey, reason);
        await bus.PublishAsync(new Contracts.UserReclaimed(userId, reason, User.Now(clock)), new DeliveryOptions { GroupId = userId });
    }

    // As they are now: whoever signs in meanwhile has changed one, and this runs again. And whatever was added meanwhile.
    private async Task<IReadOnlyList<Passkey>> Delete(string userId, CancellationToken ct)
    {
        var all = await passkeys.OfUser(userId, ct);
        foreach (var passkey in all)
        {
            if (await store.LoadRevisionAsync<Passkey>(passkey.Id, ct) is { } revision)
                store.QueueSqlCommand(1, "delete from identity.mt_doc_passkey where id = ? and mt_version = ?", passkey.Id, revision.Number);
        }

        store.QueueSqlCommand("delete from identity.mt_doc_passkey where user_id = ?", userId);
        return all;
    }
}
