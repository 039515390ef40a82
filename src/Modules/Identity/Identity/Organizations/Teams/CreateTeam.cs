using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member makes a team in their organization: <c>POST /api/auth/organization/create-team</c>.</summary>
internal static class CreateTeam
{
    internal sealed record Request(string Name, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(TeamNames.Required(body), body.OptionalString("organizationId"));
    }

    internal sealed record Command(string UserId, string? OrganizationId, string Name) : IRequest<Outcome<TeamView>>, IIdempotent;

    internal static readonly Refusal NotAMember = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION", "You are not allowed to invite users to this organization");

    internal static readonly Refusal NotAllowed = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_CREATE_TEAMS_IN_THIS_ORGANIZATION", "You are not allowed to create teams in this organization");

    internal static readonly Refusal TooMany = Refusal.BadRequest(
        "YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_TEAMS", "You have reached the maximum number of teams");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/create-team", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                // Signed out this route answers without a body (contract §7.2).
                if (await SignedInExtensions.Identify(context) is not { } session)
                    return Refusal.Unauthorized().WithoutBody().ToHttp();
                var outcome = await mediator.Send(
                    new Command(session.UserId, OrganizationTeams.Chosen(request.OrganizationId, session), request.Name), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store)
        : IRequestHandler<Command, Outcome<TeamView>>
    {
        public async Task<Outcome<TeamView>> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.UserId, ct) : null;
            var count = actor is null ? 0 : (await teams.Of(actor.Organization.Id, ct)).Count;
            if (Decide(command.OrganizationId, actor, count, teams.Maximum) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "create_team", refusal);

            var (organizationId, now) = (actor!.Organization.Id, record.Now);
            var team = new Team(Organization.NewId(now), command.Name, organizationId, now, now);
            // Counted again at the commit: of those who make one at the same time only as many get through as fit.
            Organization.Lock(store, organizationId);
            store.QueueSqlCommand(
                1,
                """
                update identity.mt_doc_organization set mt_version = mt_version
                where id = ? and (select count(*) from identity.mt_doc_team where organization_id = ?) < ?
                """,
                organizationId, organizationId, teams.Maximum);
            actor.Hold(store);
            store.Insert(team);
            store.Events.Append(team.OrganizationId, new TeamCreated(team.Id, organizationId, team.Name, now));
            return TeamView.Of(team);
        }
    }

    internal static Refusal? Decide(string? organizationId, OrganizationAccess? actor, int teams, int most) => actor switch
    {
        _ when organizationId is null => TeamRefusals.NoActiveOrganization,
        null => NotAMember,
        _ when !actor.May("team", "create") => NotAllowed,
        _ when teams >= most => TooMany,
        _ => null,
    };
}

internal sealed record TeamCreated(string TeamId, string OrganizationId, string Name, DateTimeOffset At);
