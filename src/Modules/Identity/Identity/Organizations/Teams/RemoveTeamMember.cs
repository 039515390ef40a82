using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member takes somebody out of a team: <c>POST /api/auth/organization/remove-team-member</c>.</summary>
internal static class RemoveTeamMember
{
    internal sealed record Request(string TeamId, string UserId, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) =>
            new(body.RequiredString("teamId"), body.RequiredString("userId"), body.OptionalString("organizationId"));
    }

    internal sealed record Command(string ActorId, string? OrganizationId, string TeamId, string UserId) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_REMOVE_A_TEAM_MEMBER", "You are not allowed to remove a team member");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/remove-team-member", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(
                    new Command(session.UserId, OrganizationTeams.Chosen(request.OrganizationId, session), request.TeamId, request.UserId), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Message = "Team member removed successfully." }));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store, IMediator mediator)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.ActorId, ct) : null;
            var other = actor is null ? null : await OrganizationAccess.FindMember(store, actor.Organization.Id, command.UserId, ct);
            var team = actor is null ? null : await teams.Find(command.TeamId, actor.Organization.Id, ct);
            var place = team is null ? null : await teams.FindMember(team.Id, command.UserId, ct);
            if (Decide(command.OrganizationId, actor, other, team, place) is { } refusal)
                return record.Refuse(command.OrganizationId, command.ActorId, "remove_team_member", refusal);

            // Read before the sessions that have it active: whoever makes it active later raises the revision.
            if (await store.LoadRevisionAsync<TeamMember>(place!.Id, ct) is not { } found)
                return TeamRefusals.NotInTeam;
            await mediator.Send(new LeaveOrganization(team!.OrganizationId, command.UserId, team.Id), ct);
            Organization.Lock(store, team.OrganizationId);
            actor!.Hold(store);
            store.QueueSqlCommand(1, "delete from identity.mt_doc_team_member where id = ? and mt_version = ?", place.Id, found.Number);
            store.Events.Append(
                team.OrganizationId, new TeamMemberRemoved(team.Id, team.OrganizationId, command.UserId, record.Now));
            return Outcome.Done;
        }
    }

    internal static Refusal? Decide(string? organizationId, OrganizationAccess? actor, Member? other, Team? team, TeamMember? place) => actor switch
    {
        _ when organizationId is null => TeamRefusals.NoActiveOrganization,
        null => TeamRefusals.NotInOrganization,
        _ when !actor.May("member", "delete") => NotAllowed,
        _ when other is null => TeamRefusals.NotInOrganization,
        _ when team is null => TeamRefusals.NotFound,
        _ when place is null => TeamRefusals.NotInTeam,
        _ => null,
    };
}
