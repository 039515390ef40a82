using MediatR;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module asks where a session was started from (<see cref="Contracts.DescribeSession"/>).</summary>
internal static class DescribeSession
{
    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Contracts.DescribeSession, SessionOrigin?>
    {
        public async Task<SessionOrigin?> Handle(Contracts.DescribeSession query, CancellationToken ct) =>
            await store.Events.AggregateStreamAsync<Session>(query.SessionId, version: 1, token: ct) is { } session
                ? new SessionOrigin(ClientDevice.NameOf(session.UserAgent), session.IpAddress)
                : null;
    }
}
