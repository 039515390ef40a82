using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A user asks whether a slug is free: <c>POST /api/auth/organization/check-slug</c>.</summary>
internal static class CheckSlug
{
    internal sealed record Request(string Slug) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("slug"));
    }

    internal sealed record Query(string Slug) : IRequest<Outcome>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/organization/check-slug", async (Request request, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Query(request.Slug), ct)).ToHttp(() => WireJson.Ok(new { Status = true })))
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(IDocumentSession store) : IRequestHandler<Query, Outcome>
    {
        public async Task<Outcome> Handle(Query query, CancellationToken ct) =>
            (await store.QueryAsync<Organization>("where d.slug = ?", ct, query.Slug)).Count == 0 ? Outcome.Done : OrganizationRefusals.SlugTaken;
    }
}
