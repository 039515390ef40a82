using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// An anonymous user to whom no way leads any more is removed: their sessions are past every cap, or it is known for days who
/// they were (<see cref="AnonymousUserStale"/>).
/// </summary>
internal static class ForgetAnonymousUser
{
    internal sealed class Handler(IDocumentSession store, PasskeyStore passkeys, Removal removal, PublicAddress address)
    {
        public async Task Handle(AnonymousUserStale message, CancellationToken ct)
        {
            // Somebody by now, if they have an address of their own, and still here, if a passkey lets them come back.
            if (await store.LoadAsync<User>(message.UserId, ct) is { IsAnonymous: true } user
                && (user.LinkedTo is not null || (await passkeys.OfUser(user.Id, ct)).Count == 0))
                await removal.Remove(message.UserId, "anonymous_user_stale", address.Known?.ToString() ?? "http://localhost/", ct);
        }
    }
}
