using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A member lists the invitations of an organization, whatever became of them: <c>GET /api/auth/organization/list-invitations</c>.</summary>
internal static class ListInvitations
{
    internal sealed record Request(string? OrganizationId) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.OptionalString("organizationId"));
    }

    internal sealed record Query(string UserId, string OrganizationId) : IRequest<Outcome<IReadOnlyList<Invitation>>>;

    internal static readonly Refusal NoneActive = Refusal.BadRequest("NO_ACTIVE_ORGANIZATION", "Organization ID is required").WithoutCode();

    internal static readonly Refusal NotMember = OrganizationRefusals.NotMemberHere.WithoutCode();

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list-invitations", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                if (session.In(request.OrganizationId) is not { } organizationId)
                    return NoneActive.ToHttp();
                var outcome = await mediator.Send(new Query(session.UserId, organizationId), ct);
                return outcome.ToHttp(invitations => WireJson.Ok(invitations.Select(InvitationView.Of).ToList()));
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store, OrganizationRecord record) : IRequestHandler<Query, Outcome<IReadOnlyList<Invitation>>>
    {
        public async Task<Outcome<IReadOnlyList<Invitation>>> Handle(Query query, CancellationToken ct)
        {
            if (await OrganizationAccess.FindMember(store, query.OrganizationId, query.UserId, ct) is null)
                return record.Refuse(query.OrganizationId, query.UserId, "list_invitations", NotMember);
            return Outcome.Of(await store.QueryAsync<Invitation>(
                "where d.organization_id = ? order by d.data ->> 'createdAt', d.id", ct, query.OrganizationId));
        }
    }
}
