using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module ends one session, in its own unit of work (<see cref="Contracts.EndSession"/>).</summary>
internal static class EndSession
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.EndSession, bool>
    {
        public async Task<bool> Handle(Contracts.EndSession command, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<Session>(command.SessionId, ct);
            if (stream.Aggregate?.Revoke(command.Reason, clock.GetUtcNow()) is not { } revoked)
                return false;
            stream.AppendOne(revoked);
            return true;
        }
    }
}
