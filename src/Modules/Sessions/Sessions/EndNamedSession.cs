using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module ends a session that somebody named (<see cref="Contracts.EndNamedSession"/>).</summary>
internal static class EndNamedSession
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.EndNamedSession, string?>
    {
        public async Task<string?> Handle(Contracts.EndNamedSession command, CancellationToken ct)
        {
            var named = await store.QueryAsync<Session>(
                "where d.token_hash = ? or d.handle = ?", ct, new SessionToken(command.Named).Hash, command.Named);
            if (named.Count == 0)
                return null;
            var stream = await store.Events.FetchForWriting<Session>(named[0].Id, ct);
            if (stream.Aggregate?.Revoke(command.Reason, clock.GetUtcNow()) is not { } revoked)
                return null;
            stream.AppendOne(revoked);
            return revoked.UserId;
        }
    }
}
