using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module acts for a session and must not outlive it (<see cref="Contracts.HoldSession"/>).</summary>
internal static class HoldSession
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.HoldSession, bool>
    {
        public async Task<bool> Handle(Contracts.HoldSession query, CancellationToken ct)
        {
            var session = await store.LoadAsync<Session>(query.SessionId, ct);
            if (session is null || session.UserId != query.UserId || session.IsOver(clock.GetUtcNow()))
                return false;

            // Locks the row until the commit: whoever ends the session is before us, which this notices, or after us.
            store.QueueSqlCommand(1, "update sessions.mt_doc_session set id = id where id = ?", query.SessionId);
            return true;
        }
    }
}
