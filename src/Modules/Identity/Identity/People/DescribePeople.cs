using MediatR;
using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Another module asks what is known of users (<see cref="Contracts.DescribePeople"/>).</summary>
internal static class DescribePeople
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.DescribePeople, IReadOnlyList<PersonFacts>>
    {
        public async Task<IReadOnlyList<PersonFacts>> Handle(Contracts.DescribePeople query, CancellationToken ct) =>
            query.UserIds.Count == 0 ? [] : [.. (await store.LoadManyAsync<User>(query.UserIds, ct)).Select(user => user.ToFacts(clock.GetUtcNow()))];
    }
}
