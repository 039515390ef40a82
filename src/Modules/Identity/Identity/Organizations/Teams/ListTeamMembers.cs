using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Who is in a team sees who else is: <c>GET /api/auth/organization/list-team-members</c>.</summary>
internal static class ListTeamMembers
{
    internal sealed record Request(string? TeamId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("teamId"));
    }

    internal sealed record Query(string UserId, string? TeamId) : IRequest<Outcome<IReadOnlyList<TeamMemberView>>>;

    internal static readonly Refusal NoActiveTeam = Refusal.BadRequest("YOU_DO_NOT_HAVE_AN_ACTIVE_TEAM", "You do not have an active team");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list-team-members", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var teamId = string.IsNullOrEmpty(request.TeamId) ? session.TeamId : request.TeamId;
                return (await mediator.Send(new Query(session.UserId, teamId), ct)).ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store)
        : IRequestHandler<Query, Outcome<IReadOnlyList<TeamMemberView>>>
    {
        public async Task<Outcome<IReadOnlyList<TeamMemberView>>> Handle(Query query, CancellationToken ct)
        {
            if (query.TeamId is not { } teamId)
                return NoActiveTeam;
            var team = await store.LoadAsync<Team>(teamId, ct);
            var actor = team is null ? null : await OrganizationAccess.Find(store, team.OrganizationId, query.UserId, ct);
            var members = actor is null ? [] : await teams.MembersOf(teamId, ct);
            if (Decide(query.UserId, team, actor, members) is { } refusal)
                return record.Refuse(team?.OrganizationId, query.UserId, "list_team_members", refusal);
            return Outcome.Of<IReadOnlyList<TeamMemberView>>([.. members.Select(TeamMemberView.Of)]);
        }
    }

    internal static Refusal? Decide(string userId, Team? team, OrganizationAccess? actor, IReadOnlyList<TeamMember> members) => team switch
    {
        null => TeamRefusals.NotFound,
        _ when actor is null || members.All(member => member.UserId != userId) => TeamRefusals.NotInTeam,
        _ => null,
    };
}
