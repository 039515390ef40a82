using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Users left behind by a sign-in that broke off. Auth.js makes a user, links the account and starts the session by three
/// calls; when the second fails, the address is taken by somebody who can never come in. Such a user gives way to the next
/// try with the address, within <c>Adapter:RepairWindow</c>: is not found by it, and is removed when it registers again. A
/// new user, not the same: whoever tries next may be somebody else, and gets nothing of theirs.
/// </summary>
internal sealed class Orphans(IDocumentSession store, PasskeyStore passkeys, IMediator mediator, IOptions<AdapterOptions> options, TimeProvider clock)
{
    /// <summary>How long the three calls may take: longer than an adapter waits for an answer.</summary>
    private static readonly TimeSpan UnderWay = TimeSpan.FromSeconds(15);

    /// <summary>Whether the user has nothing but an address that nobody has shown to be theirs.</summary>
    public async Task<bool> IsOne(User user, CancellationToken ct) =>
        MayBeOne(user, options.Value.RepairWindow, clock.GetUtcNow())
        && (await store.QueryAsync<Account>("where d.user_id = ? limit 1", ct, user.Id)).Count == 0
        && (await passkeys.OfUser(user.Id, ct)).Count == 0
        && (await mediator.Send(new FindSessionsOfUser(user.Id), ct)).Count == 0;

    /// <summary>
    /// Stages that somebody is about to give the user something: they are still there at the commit, or it is a lost race. Whoever
    /// removes them meanwhile has the row, and finds what was given.
    /// </summary>
    public static void Claim(IDocumentSession store, string userId) =>
        store.QueueSqlCommand(1, "update identity.mt_doc_user set mt_version = mt_version where id = ?", userId);

    /// <summary>Stages that nothing was given to the user meanwhile; to be staged before what removes it.</summary>
    public static void Hold(IDocumentSession store, string userId)
    {
        store.QueueSqlCommand(0, "update identity.mt_doc_account set id = id where user_id = ?", userId);
        store.QueueSqlCommand(0, "update identity.mt_doc_passkey set id = id where user_id = ?", userId);
    }

    /// <summary>What the user alone tells: made by an adapter, some time ago but not long, and never touched since.</summary>
    internal static bool MayBeOne(User user, TimeSpan window, DateTimeOffset now) =>
        user is { Via: User.ViaAdapter, EmailVerified: false, Role: User.DefaultRole, Banned: false } && user.CreatedAt == user.UpdatedAt
        && now - user.CreatedAt >= UnderWay && now - user.CreatedAt <= window;
}
