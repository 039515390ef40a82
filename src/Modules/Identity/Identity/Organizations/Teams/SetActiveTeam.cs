using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user chooses the team they act in, or none: <c>POST /api/auth/organization/set-active-team</c>.</summary>
internal static class SetActiveTeam
{
    internal sealed record Request(WireValue<string> TeamId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.NullableString("teamId"));
    }

    /// <param name="TeamId">Null: none from now on.</param>
    internal sealed record Command(string UserId, string SessionId, string? OrganizationId, string? TeamId) : IRequest<Outcome<TeamView?>>, IIdempotent;

    internal static readonly Refusal NotInTeam = Refusal.Forbidden("USER_IS_NOT_A_MEMBER_OF_THE_TEAM", "User is not a member of the team");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/set-active-team", async (
                Request request, HttpContext context, SessionCookies cookies, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var unsets = request.TeamId is { IsPresent: true, Value: null };
                var teamId = unsets ? null : string.IsNullOrEmpty(request.TeamId.Value) ? session.TeamId : request.TeamId.Value;
                // Nothing to unset, or nothing said: no cookie either.
                if (teamId is null && session.TeamId is null)
                    return WireJson.Ok(null);
                var outcome = await mediator.Send(new Command(session.UserId, session.SessionId, session.OrganizationId, teamId), ct);
                return outcome.ToHttp(team =>
                {
                    cookies.Renew(context);
                    return WireJson.Ok(team);
                });
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store, IMediator mediator)
        : IRequestHandler<Command, Outcome<TeamView?>>
    {
        public async Task<Outcome<TeamView?>> Handle(Command command, CancellationToken ct)
        {
            var team = command is { OrganizationId: { } organizationId, TeamId: { } id } ? await teams.Find(id, organizationId, ct) : null;
            var place = team is null ? null : await teams.FindMember(team.Id, command.UserId, ct);
            if (Decide(command, team, place) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "set_active_team", refusal);

            if (!await mediator.Send(new SwitchOrganization(command.SessionId, command.OrganizationId, team?.Id), ct))
                return Refusal.Unauthorized();
            if (team is null || place is null)
                return Outcome.Of<TeamView?>(null);
            // Whoever removes the team, or the user from it, at the same time sees by the revisions that it is active here.
            store.QueueSqlCommand(1, "update identity.mt_doc_team set mt_version = mt_version + 1 where id = ?", team.Id);
            store.QueueSqlCommand(1, "update identity.mt_doc_team_member set mt_version = mt_version + 1 where id = ?", place.Id);
            return TeamView.Of(team);
        }
    }

    internal static Refusal? Decide(Command command, Team? team, TeamMember? place) => command switch
    {
        { TeamId: null } => null,
        { OrganizationId: null } => TeamRefusals.NoActiveOrganization,
        _ when team is null => TeamRefusals.NotFound,
        _ when place is null => NotInTeam,
        _ => null,
    };
}
