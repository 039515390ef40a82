using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member renames a team: <c>POST /api/auth/organization/update-team</c>.</summary>
internal static class UpdateTeam
{
    internal sealed record Request(string TeamId, string? Name, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            var teamId = body.RequiredString("teamId");
            var data = body.RequiredObject("data");
            return new(teamId, TeamNames.OfData(body, data, "name"), TeamNames.OfData(body, data, "organizationId"));
        }
    }

    internal sealed record Command(string UserId, string? OrganizationId, string TeamId, string? Name) : IRequest<Outcome<TeamView>>, IIdempotent;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_TEAM", "You are not allowed to update this team");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/update-team", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var outcome = await mediator.Send(
                    new Command(session.UserId, OrganizationTeams.Chosen(request.OrganizationId, session), request.TeamId, request.Name), ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationRecord record, IDocumentSession store)
        : IRequestHandler<Command, Outcome<TeamView>>
    {
        public async Task<Outcome<TeamView>> Handle(Command command, CancellationToken ct)
        {
            var actor = command.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, command.UserId, ct) : null;
            var found = await store.LoadRevisionAsync<Team>(command.TeamId, ct);
            if (Decide(command.OrganizationId, actor, found?.Document) is { } refusal)
                return record.Refuse(command.OrganizationId, command.UserId, "update_team", refusal);

            var (team, now) = (found!.Document, record.Now);
            // What is already so is no change.
            if (command.Name is not { } name || name == team.Name)
                return TeamView.Of(team);
            var renamed = team with { Name = name, UpdatedAt = now };
            Organization.Lock(store, team.OrganizationId);
            actor!.Hold(store);
            store.UpdateRevision(renamed, found.Number);
            store.Events.Append(team.OrganizationId, new TeamUpdated(team.Id, team.OrganizationId, name, now));
            return TeamView.Of(renamed);
        }
    }

    /// <summary>Who may not is not told whether the team exists; a team of another organization does not, here.</summary>
    internal static Refusal? Decide(string? organizationId, OrganizationAccess? actor, Team? team) => actor switch
    {
        _ when organizationId is null => TeamRefusals.NoActiveOrganization,
        null => NotAllowed,
        _ when !actor.May("team", "update") => NotAllowed,
        _ when team is null || team.OrganizationId != organizationId => TeamRefusals.NotFound,
        _ => null,
    };
}

internal sealed record TeamUpdated(string TeamId, string OrganizationId, string Name, DateTimeOffset At);
