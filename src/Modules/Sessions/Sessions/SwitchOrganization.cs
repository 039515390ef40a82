using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module changes the active organization of a session, in its own unit of work (<see cref="Contracts.SwitchOrganization"/>).</summary>
internal static class SwitchOrganization
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.SwitchOrganization, bool>
    {
        public async Task<bool> Handle(Contracts.SwitchOrganization command, CancellationToken ct)
        {
            var (stream, now) = (await store.Events.FetchForWriting<Session>(command.SessionId, ct), clock.GetUtcNow());
            if (stream.Aggregate is not { } session || session.IsOver(now))
                return false;
            if (Decide(session, command.OrganizationId, command.TeamId, now) is { } switched)
                stream.AppendOne(switched);
            return true;
        }
    }

    /// <summary>What is active already stays so, and is not told again.</summary>
    internal static OrganizationSwitched? Decide(Session session, string? organizationId, string? teamId, DateTimeOffset now) =>
        (session.ActiveOrganizationId, session.ActiveTeamId) == (organizationId, teamId)
            ? null
            : new OrganizationSwitched(session.Id, session.UserId, organizationId, teamId, now);
}
