using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member sees the roles their organization has made: <c>GET /api/auth/organization/list-roles</c>.</summary>
internal static class ListRoles
{
    internal sealed record Request(string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("organizationId"));
    }

    internal sealed record Query(string UserId, string? OrganizationId) : IRequest<Outcome<IReadOnlyList<RoleView>>>;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_LIST_A_ROLE", "You are not allowed to list a role");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list-roles", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                return (await mediator.Send(new Query(session.UserId, OwnRoles.Chosen(request.OrganizationId, session)), ct)).ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<IReadOnlyList<RoleView>>>
    {
        public async Task<Outcome<IReadOnlyList<RoleView>>> Handle(Query query, CancellationToken ct)
        {
            var actor = query.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, query.UserId, ct) : null;
            if (Decide(query.OrganizationId, actor) is { } refusal)
                return record.Refuse(query.OrganizationId, query.UserId, "list_roles", refusal);
            return Outcome.Of<IReadOnlyList<RoleView>>([.. (await OwnRoles.Of(store, actor!.Organization.Id, ct)).Select(RoleView.Of)]);
        }
    }

    internal static Refusal? Decide(string? organizationId, OrganizationAccess? actor) => actor switch
    {
        _ when organizationId is null => RoleRefusals.NoActiveOrganization,
        null => RoleRefusals.NotAMember,
        _ when !actor.May("ac", "read") => NotAllowed,
        _ => null,
    };
}
