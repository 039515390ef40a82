using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// A member reads an organization, by default the active one: <c>GET /api/auth/organization/get-organization</c>; <c>null</c>
/// when none is.
/// </summary>
internal static class GetOrganization
{
    internal sealed record Request(string? OrganizationId, string? OrganizationSlug) : IWireInput<Request>
    {
        public static Request Read(WireBody query) => new(query.OptionalString("organizationId"), query.OptionalString("organizationSlug"));
    }

    /// <param name="OrganizationId">Null: only a slug is given, or nothing.</param>
    internal sealed record Query(string UserId, string? OrganizationId, string? OrganizationSlug) : IRequest<Outcome<Organization?>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet(
                "/organization/get-organization",
                async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
                {
                    var session = (await SignedInExtensions.Identify(context))!;
                    var outcome = await mediator.Send(
                        new Query(session.UserId, session.In(request.OrganizationId), request.OrganizationSlug), ct);
                    await OrganizationReading.Unset(outcome, session, mediator, ct);
                    return outcome.ToHttp(organization => WireJson.Ok(organization is null ? null : OrganizationView.Of(organization)));
                })
            .RequireSession()
            .PartOf(AuthGroup.Organization);
    }

    internal sealed class Handler(OrganizationReading reading) : IRequestHandler<Query, Outcome<Organization?>>
    {
        public Task<Outcome<Organization?>> Handle(Query query, CancellationToken ct) =>
            reading.Find(query.UserId, query.OrganizationId, query.OrganizationSlug, "get_organization", ct);
    }
}
