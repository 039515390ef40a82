using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user sees the teams they are in, or a member who may change members those of another one:
/// <c>GET /api/auth/organization/list-user-teams</c>.
/// </summary>
internal static class ListUserTeams
{
    internal sealed record Request(string? UserId, string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("userId"), body.OptionalString("organizationId"));
    }

    /// <param name="Of">Whose teams.</param>
    /// <param name="OrganizationId">Null: of every organization of theirs.</param>
    internal sealed record Query(string UserId, string Of, string? OrganizationId) : IRequest<Outcome<IReadOnlyList<TeamView>>>;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden(
        "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER", "You are not allowed to update this member");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list-user-teams", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var of = string.IsNullOrEmpty(request.UserId) ? session.UserId : request.UserId;
                // One's own are not only those of the active organization.
                var organizationId = of == session.UserId
                    ? request.OrganizationId is { Length: > 0 } given ? given : null
                    : OrganizationTeams.Chosen(request.OrganizationId, session);
                return (await mediator.Send(new Query(session.UserId, of, organizationId), ct)).ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationTeams teams, OrganizationRecord record, IDocumentSession store)
        : IRequestHandler<Query, Outcome<IReadOnlyList<TeamView>>>
    {
        public async Task<Outcome<IReadOnlyList<TeamView>>> Handle(Query query, CancellationToken ct)
        {
            var actor = query.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, query.UserId, ct) : null;
            var isMember = query.Of == query.UserId || (actor is not null
                && await OrganizationAccess.FindMember(store, query.OrganizationId!, query.Of, ct) is not null);
            if (Decide(query, actor, isMember) is { } refusal)
                return record.Refuse(query.OrganizationId, query.UserId, "list_user_teams", refusal);
            return Outcome.Of<IReadOnlyList<TeamView>>([.. (await teams.OfUser(query.Of, query.OrganizationId, ct)).Select(TeamView.Of)]);
        }
    }

    /// <param name="isMember">Whether the other one is a member of the organization.</param>
    internal static Refusal? Decide(Query query, OrganizationAccess? actor, bool isMember) => query.Of == query.UserId
        ? query.OrganizationId is not null && actor is null ? TeamRefusals.NotAMember : null
        : actor switch
        {
            _ when query.OrganizationId is null => TeamRefusals.NoActiveOrganization,
            null => TeamRefusals.NotAMember,
            _ when !actor.May("member", "update") => NotAllowed,
            _ when !isMember => TeamRefusals.NotInOrganization,
            _ => null,
        };
}
