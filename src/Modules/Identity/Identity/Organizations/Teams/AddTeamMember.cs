using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member puts a member of the organization into a team: <c>POST /api/auth/organization/add-team-member</c>.</summary>
internal static class AddTeamMember
{
    internal sealed record Request(string TeamId, string UserId, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) =>
            new(body.RequiredString("teamId"), body.RequiredString("userId"), body.OptionalString("organizationId"));
    }

    internal sealed record Command(string ActorId, string? OrganizationId, string TeamId, string UserId)
        : IRequest<Outcome<TeamMemberView>>, IIdempotent;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_TEAM_MEMBER", "You are not allowed to create a new member");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/add-team-member", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(
                    new Command(session.UserId, OrganizationTeams.Chosen(request.OrganizationId, session), request.TeamId, request.UserId), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store)
        : IRequestHandler<Command, Outcome<TeamMemberView>>
    {
        public async Task<Outcome<TeamMemberView>> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.ActorId, ct) : null;
            var other = actor is null ? null : await OrganizationAccess.FindMember(store, actor.Organization.Id, command.UserId, ct);
            var team = actor is null ? null : await teams.Find(command.TeamId, actor.Organization.Id, ct);
            var members = team is null ? [] : await teams.MembersOf(team.Id, ct);
            // Who is in it already is not put into it again.
            var place = members.FirstOrDefault(member => member.UserId == command.UserId);
            if (Decide(command.OrganizationId, actor, other, team, isFull: place is null && members.Count >= teams.MaximumMembers) is { } refusal)
                return record.Refuse(command.OrganizationId, command.ActorId, "add_team_member", refusal);
            if (place is not null)
                return TeamMemberView.Of(place);
            var joined = teams.Join(team!, command.UserId, record.Now);
            actor!.Hold(store);
            return TeamMemberView.Of(joined);
        }
    }

    internal static Refusal? Decide(string? organizationId, OrganizationAccess? actor, Member? other, Team? team, bool isFull) => actor switch
    {
        _ when organizationId is null => TeamRefusals.NoActiveOrganization,
        null => TeamRefusals.NotInOrganization,
        _ when !actor.May("member", "update") => NotAllowed,
        _ when other is null => TeamRefusals.NotInOrganization,
        _ when team is null => TeamRefusals.NotFound,
        _ when isFull => TeamRefusals.Full,
        _ => null,
    };
}
