using MediatR;
using Modular.Identity.Contracts;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The operator ends every session of somebody: <c>sessions revoke --user EMAIL</c>.</summary>
internal static class RevokeSessionsOf
{
    internal const string Reason = "revoked_by_operator";

    internal sealed class Handler(IDocumentSession store, IMediator mediator, Registration registration, TrustedDevices devices, Verifications verifications)
        : IRequestHandler<Contracts.RevokeSessionsOf, SessionsOfRevoked>
    {
        public async Task<SessionsOfRevoked> Handle(Contracts.RevokeSessionsOf request, CancellationToken cancellationToken)
        {
            var email = request.Email.Trim().ToLowerInvariant();
            if (await registration.Find(email, cancellationToken) is not { } user)
                return new(null, 0, $"Nobody has the address '{email}'.");
            var ended = await mediator.Send(new EndSessionsOfUser(user.Id, Reason), cancellationToken);
            // Whoever was in there may have made a device trusted, and asked for links and codes.
            await devices.Forget(await store.Events.FetchForWriting<User>(user.Id, cancellationToken), user.Id, Reason, cancellationToken);
            verifications.RevokeAll(user.Id);
            return new(user.Id, ended, null);
        }
    }
}
