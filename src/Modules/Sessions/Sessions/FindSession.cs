using MediatR;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Somebody comes back to a session of theirs (<see cref="Contracts.FindSession"/>).</summary>
internal static class FindSession
{
    internal sealed class Handler(IDocumentSession store, IMediator mediator) : IRequestHandler<Contracts.FindSession, WireSession?>
    {
        public async Task<WireSession?> Handle(Contracts.FindSession query, CancellationToken ct)
        {
            var token = new SessionToken(query.Token);
            var found = await store.QueryAsync<Session>("where d.token_hash = ?", ct, token.Hash);
            return found is [{ ImpersonatedBy: null } session] && token.Opens(session)
                && await mediator.Send(new Contracts.HoldSession(session.Id, query.UserId), ct) ? session.ToWire(token.Text) : null;
        }
    }
}
