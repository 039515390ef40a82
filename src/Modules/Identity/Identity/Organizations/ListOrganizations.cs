using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user lists the organizations they belong to: <c>GET /api/auth/organization/list</c>.</summary>
internal static class ListOrganizations
{
    internal sealed record Query(string UserId) : IRequest<IReadOnlyList<Organization>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/organization/list", async (Caller caller, IMediator mediator, CancellationToken ct) =>
                WireJson.Ok((await mediator.Send(new Query(caller.UserId!), ct)).Select(OrganizationView.Of).ToList()))
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Query, IReadOnlyList<Organization>>
    {
        public Task<IReadOnlyList<Organization>> Handle(Query query, CancellationToken ct) => store.QueryAsync<Organization>(
            "where d.id in (select organization_id from identity.mt_doc_member where user_id = ?) order by d.data ->> 'createdAt', d.id",
            ct, query.UserId);
    }
}
