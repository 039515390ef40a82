using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What the wish to delete an account leaves in the log before it is granted, or when it is not.</summary>
internal sealed class DeletionRecord(IDocumentSession store, Verifications verifications, LastAdministrator last, Refusals refusals, TimeProvider clock)
{
    public void LinkSent(string userId) => store.Events.Append(userId, new UserDeletionLinkSent(userId, User.Now(clock)));

    /// <summary>Records that a user was not deleted, in a stream of its own like every refusal.</summary>
    public Refusal Refuse(string userId, string reason, Refusal refusal)
    {
        refusals.Record($"deletion:{Guid.CreateVersion7(clock.GetUtcNow()):N}", new UserDeletionRefused(userId, reason, User.Now(clock)));
        return refusal;
    }

    /// <summary>Null unless nobody else is an administrator; else the refusal, recorded.</summary>
    public async Task<Refusal?> Spare(string userId, CancellationToken ct) =>
        await store.LoadAsync<User>(userId, ct) is { } user && await last.Spare(user, ct) is { } refusal
            ? Refuse(userId, "last_administrator", refusal)
            : null;

    /// <summary>Null when the token is good for deleting this user; else the refusal, recorded.</summary>
    public async Task<Refusal?> Check(string userId, string token, Refusal invalid, CancellationToken ct)
    {
        if (await verifications.Find<DeletionTicket>(DeletionTicket.Purpose, token, ct) is not { } ticket)
            return Refuse(userId, "invalid_token", invalid);
        return ticket.UserId == userId ? null : Refuse(userId, "token_of_another_user", invalid);
    }
}

/// <summary>A link to delete the account was mailed to its user.</summary>
internal sealed record UserDeletionLinkSent(string UserId, DateTimeOffset At);

/// <summary>Somebody who is signed in did not get the user deleted.</summary>
/// <param name="Reason"><c>session_not_fresh</c>, <c>invalid_token</c>, <c>token_of_another_user</c>, <c>last_administrator</c>.</param>
internal sealed record UserDeletionRefused(string UserId, string Reason, DateTimeOffset At);
