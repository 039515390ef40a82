using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user reads who they are in the active organization: <c>GET /api/auth/organization/get-active-member</c>.</summary>
internal static class GetActiveMember
{
    internal sealed record Query(string UserId, string OrganizationId) : IRequest<Outcome<MemberView>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/get-active-member", async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                var session = (await SignedInExtensions.Identify(context))!;
                return session.OrganizationId is { } organizationId
                    ? (await mediator.Send(new Query(session.UserId, organizationId), ct)).ToHttp(WireJson.Ok)
                    : OrganizationRefusals.NoneActive.ToHttp();
            })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Query, Outcome<MemberView>>
    {
        public async Task<Outcome<MemberView>> Handle(Query query, CancellationToken ct) =>
            await OrganizationAccess.FindMember(store, query.OrganizationId, query.UserId, ct) is { } member
            && await store.LoadAsync<User>(query.UserId, ct) is { } user
                ? MemberView.Of(member, user)
                : OrganizationRefusals.MemberNotFound;
    }
}
