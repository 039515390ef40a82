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
            if (Decide(stream.Aggregate, command.Reason, clock.GetUtcNow()) is not { } revoked)
                return false;
            stream.AppendOne(revoked);
            return true;
        }
    }

    /// <summary>A session that ran out of time is left to <see cref="PruneExpiredSessions"/>.</summary>
    internal static SessionRevoked? Decide(Session? session, string reason, DateTimeOffset now) =>
        session is null || session.IsOver(now) ? null : new SessionRevoked(session.Id, session.UserId, reason, now);
}
