using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member sees one of the roles their organization has made: <c>GET /api/auth/organization/get-role</c>.</summary>
internal static class GetRole
{
    internal sealed record Request(string? OrganizationId, RoleKey Role) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.OptionalString("organizationId"), RoleKey.Read(body));
    }

    internal sealed record Query(string UserId, string? OrganizationId, RoleKey Role) : IRequest<Outcome<RoleView>>;

    internal static readonly Refusal NotAllowed = Refusal.Forbidden("YOU_ARE_NOT_ALLOWED_TO_READ_A_ROLE", "You are not allowed to read a role");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/get-role", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                var query = new Query(session.UserId, OwnRoles.Chosen(request.OrganizationId, session), request.Role);
                return (await mediator.Send(query, ct)).ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<RoleView>>
    {
        public async Task<Outcome<RoleView>> Handle(Query query, CancellationToken ct)
        {
            var actor = query.OrganizationId is { } id ? await OrganizationAccess.Find(store, id, query.UserId, ct) : null;
            var role = actor is null ? null : (await OwnRoles.Of(store, actor.Organization.Id, ct)).FirstOrDefault(query.Role.Names);
            if (Decide(query.OrganizationId, actor, role) is { } refusal)
                return record.Refuse(query.OrganizationId, query.UserId, "get_role", refusal);
            return RoleView.Of(role!);
        }
    }

    internal static Refusal? Decide(string? organizationId, OrganizationAccess? actor, OrganizationRole? role) => actor switch
    {
        _ when organizationId is null => RoleRefusals.NoActiveOrganization,
        null => RoleRefusals.NotAMember,
        _ when !actor.May("ac", "read") => NotAllowed,
        _ when role is null => RoleRefusals.NotFound,
        _ => null,
    };
}
