using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Whether the caller may do what administrators do; a no is recorded.</summary>
internal sealed class AdminGate(IDocumentSession store, Refusals refusals, Caller caller, TimeProvider clock)
{
    private static readonly Refusal SignedOut = Refusal.Unauthorized().WithoutBody();

    /// <summary>By the session's roles: for what only reads, and for a further right beside the one that was entered by.</summary>
    /// <param name="target">Who it would be done to, as the caller named them.</param>
    public Refusal? Check(AdminRight right, string? target) =>
        AdminRoles.Grant(caller.Roles, right.Wanted) ? null : Refuse(right.Refusal, target);

    /// <summary>
    /// By the roles as they are stored, and they must still be so at the commit: who loses the role meanwhile has done
    /// nothing with it.
    /// </summary>
    public async Task<Refusal?> Enter(AdminRight right, string? target, CancellationToken ct)
    {
        if (await store.LoadAsync<User>(caller.UserId!, ct) is not { } actor || actor.IsBanned(clock.GetUtcNow()))
            return SignedOut;
        if (!AdminRoles.Grant(actor.Roles, right.Wanted))
            return Refuse(right.Refusal, target);
        // Of oneself the version of the stream tells.
        if (target != actor.Id)
            store.QueueSqlCommand(1, "update identity.mt_doc_user set id = id where id = ? and role = ? and banned = ?", actor.Id, actor.Role, actor.Banned);
        return null;
    }

    /// <summary>Records that something was not done, each in a stream of its own.</summary>
    public Refusal Refuse(Refusal refusal, string? target)
    {
        // What the caller named may be anything; the log keeps what can be a user.
        var subject = target is not null && Guid.TryParseExact(target, "N", out _) ? target : caller.UserId;
        refusals.Record(
            $"admin:{Guid.CreateVersion7(clock.GetUtcNow()):N}", new AdminRefused(subject, refusal.Code.ToLowerInvariant(), User.Now(clock)));
        return refusal;
    }
}

/// <summary>Somebody was not allowed to do what administrators do.</summary>
/// <param name="UserId">Who it would have been done to; where nobody was named, who asked.</param>
/// <param name="Reason">The code of the answer, in lower case.</param>
internal sealed record AdminRefused(string? UserId, string Reason, DateTimeOffset At);
