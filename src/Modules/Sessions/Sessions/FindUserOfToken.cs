using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module asks whose session a browser came with (<see cref="Contracts.FindUserOfToken"/>).</summary>
internal static class FindUserOfToken
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.FindUserOfToken, string?>
    {
        public async Task<string?> Handle(Contracts.FindUserOfToken query, CancellationToken ct) =>
            (await store.QueryAsync<Session>("where d.token_hash = ? and d.expires_at > ?", ct, new SessionToken(query.Token).Hash, clock.GetUtcNow()))
                .SingleOrDefault()?.UserId;
    }
}
