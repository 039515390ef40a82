using MediatR;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module lists a user's sessions for somebody else (<see cref="Contracts.FindSessionsOfUser"/>).</summary>
internal static class FindSessionsOfUser
{
    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Contracts.FindSessionsOfUser, IReadOnlyList<WireSession>>
    {
        public async Task<IReadOnlyList<WireSession>> Handle(Contracts.FindSessionsOfUser query, CancellationToken ct) =>
            [.. (await store.QueryAsync<Session>("where d.user_id = ? order by d.id", ct, query.UserId)).Select(session => session.ToWire(session.Handle))];
    }
}
