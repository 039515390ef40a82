using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member dissolves a team, but never the last one: <c>POST /api/auth/organization/remove-team</c>.</summary>
internal static class RemoveTeam
{
    internal sealed record Request(string TeamId, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("teamId"), body.OptionalString("organizationId"));
    }

    /// <param name="ActiveTeamId">The team that is active in the session.</param>
    internal sealed record Command(string UserId, string? OrganizationId, string TeamId, string? ActiveTeamId) : IRequest<Outcome>, IIdempotent;

    internal static readonly Refusal NotThis = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_TEAM", "You are not allowed to delete this team");

    internal static readonly Refusal NotAllowed = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_DELETE_TEAMS_IN_THIS_ORGANIZATION", "You are not allowed to delete teams in this organization");

    internal static readonly Refusal Last = Refusal.BadRequest("UNABLE_TO_REMOVE_LAST_TEAM", "Unable to remove last team");

    private const string WithoutTeam = """
        update identity.mt_doc_invitation set mt_version = mt_version + 1, data = jsonb_set(data, '{teamId}', coalesce(
            to_jsonb(nullif(array_to_string(array_remove(string_to_array(data ->> 'teamId', ','), ?::text), ','), '')), 'null'))
        where organization_id = ? and status = 'pending' and ?::text = any(string_to_array(data ->> 'teamId', ','))
        """;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/remove-team", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                // Signed out this route answers without a body (contract §7.2).
                if (await SignedInExtensions.Identify(context) is not { } session)
                    return Refusal.Unauthorized().WithoutBody().ToHttp();
                var outcome = await mediator.Send(
                    new Command(session.UserId, OrganizationTeams.Chosen(request.OrganizationId, session), request.TeamId, session.TeamId), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Message = "Team removed successfully." }));
            })
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store, IMediator mediator)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.UserId, ct) : null;
            // Read before the sessions that have it active: whoever makes it active later raises its revision.
            var found = await store.LoadRevisionAsync<Team>(command.TeamId, ct);
            var count = actor is null ? 0 : (await teams.Of(actor.Organization.Id, ct)).Count;
            if (Decide(command, actor, found?.Document, count) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "remove_team", refusal);

            var team = found!.Document;
            await mediator.Send(new LeaveOrganization(team.OrganizationId, TeamId: team.Id), ct);
            Organization.Lock(store, team.OrganizationId);
            actor!.Hold(store);
            // Counted again at the commit: two who remove one of the last two teams each must not leave none.
            store.QueueSqlCommand(
                1,
                """
                delete from identity.mt_doc_team
                where id = ? and mt_version = ? and (select count(*) from identity.mt_doc_team where organization_id = ?) > 1
                """,
                team.Id, found.Number, team.OrganizationId);
            store.QueueSqlCommand("delete from identity.mt_doc_team_member where team_id = ?", team.Id);
            // Who is still invited to it is invited without.
            store.QueueSqlCommand(WithoutTeam, team.Id, team.OrganizationId, team.Id);
            store.Events.Append(team.OrganizationId, new TeamRemoved(team.Id, team.OrganizationId, record.Now));
            return Outcome.Done;
        }
    }

    internal static Refusal? Decide(Command command, OrganizationAccess? actor, Team? team, int teams) => actor switch
    {
        _ when command.OrganizationId is null => TeamRefusals.NoActiveOrganization,
        null => NotThis,
        // Upstream's rule: nobody takes away the team they are acting in.
        _ when command.ActiveTeamId == command.TeamId => NotThis,
        _ when !actor.May("team", "delete") => NotAllowed,
        _ when team is null || team.OrganizationId != command.OrganizationId => TeamRefusals.NotFound,
        _ when teams <= 1 => Last,
        _ => null,
    };
}

internal sealed record TeamRemoved(string TeamId, string OrganizationId, DateTimeOffset At);
