using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module takes an organization, or a team, from the sessions that have it active (<see cref="Contracts.LeaveOrganization"/>).</summary>
internal static class LeaveOrganization
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.LeaveOrganization, int>
    {
        public async Task<int> Handle(Contracts.LeaveOrganization command, CancellationToken ct)
        {
            var (rows, now) = (await Find(command, ct), clock.GetUtcNow());
            var left = 0;
            foreach (var stream in await store.Events.FetchForWriting<Session>([.. rows.Select(row => row.Id)], ct))
            {
                if (Decide(stream.Aggregate, command, now) is not { } switched)
                    continue;
                stream.AppendOne(switched);
                left++;
            }

            return left;
        }

        private Task<IReadOnlyList<Session>> Find(Contracts.LeaveOrganization command, CancellationToken ct) => command.UserId is { } user
            ? store.QueryAsync<Session>("where d.active_organization_id = ? and d.user_id = ?", ct, command.OrganizationId, user)
            : store.QueryAsync<Session>("where d.active_organization_id = ?", ct, command.OrganizationId);
    }

    internal static OrganizationSwitched? Decide(Session? session, Contracts.LeaveOrganization command, DateTimeOffset now) => session switch
    {
        null => null,
        _ when session.IsOver(now) || session.ActiveOrganizationId != command.OrganizationId => null,
        _ when command.TeamId is null => new(session.Id, session.UserId, null, null, now),
        _ when session.ActiveTeamId == command.TeamId => new(session.Id, session.UserId, session.ActiveOrganizationId, null, now),
        _ => null,
    };
}
