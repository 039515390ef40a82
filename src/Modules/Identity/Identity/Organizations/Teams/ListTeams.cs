using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member sees the teams of their organization: <c>GET /api/auth/organization/list-teams</c>.</summary>
internal static class ListTeams
{
    internal sealed record Request(string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("organizationId"));
    }

    internal sealed record Query(string UserId, string? OrganizationId) : IRequest<Outcome<IReadOnlyList<TeamView>>>;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_ACCESS_THIS_ORGANIZATION", "You are not allowed to access this organization as an owner");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list-teams", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                return (await mediator.Send(new Query(session.UserId, OrganizationTeams.Chosen(request.OrganizationId, session)), ct)).ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store)
        : IRequestHandler<Query, Outcome<IReadOnlyList<TeamView>>>
    {
        public async Task<Outcome<IReadOnlyList<TeamView>>> Handle(Query query, CancellationToken ct)
        {
            if (query.OrganizationId is not { } organizationId)
                return TeamRefusals.NoActiveOrganization;
            if (await OrganizationAccess.FindMember(store, organizationId, query.UserId, ct) is null)
                return record.Refuse(organizationId, query.UserId, "list_teams", NotAllowed);
            return Outcome.Of<IReadOnlyList<TeamView>>([.. (await teams.Of(organizationId, ct)).Select(TeamView.Of)]);
        }
    }
}
