using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Owners and admins of an organization read what became of it, its members, teams and roles, newest first:
/// <c>GET /api/audit/organizations/{id}/entries</c>.
/// </summary>
internal static class SearchOrganizationEntries
{
    internal sealed record Query(string OrganizationId, EntryFilter Filter, EntryCursor Cursor) : IRequest<Outcome<EntryPage>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/organizations/{id}/entries", async (
                string id, [AsParameters] EntryFilterText filters, [AsParameters] EntryRange range, [AsParameters] EntryPlace place,
                Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var filter = range.Narrow(OrganizationReaders.Within(filters, id).Read());
                if (filter.Refusal is { } wrong)
                    return wrong.ToHttp();
                var cursor = EntryBounds.Cursor(place);
                if (cursor.Refusal is { } wrongCursor)
                    return wrongCursor.ToHttp();
                var sight = caller.Roles.Contains("admin") ? EntrySight.Everything : new EntrySight(caller.UserId, IsOfOrganization: true);
                return (await mediator.Send(new Query(id, filter.Answer, cursor.Answer), ct)).ToHttp(page => EntryJson.Page(page, sight));
            })
            .RequireSession()
            .WithName(nameof(SearchOrganizationEntries))
            .Produces(StatusCodes.Status200OK)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    internal sealed class Handler(EntryLog log, OrganizationReaders readers) : IRequestHandler<Query, Outcome<EntryPage>>
    {
        public async Task<Outcome<EntryPage>> Handle(Query request, CancellationToken cancellationToken) =>
            await readers.Admit(request.OrganizationId, cancellationToken) is { } refusal
                ? refusal
                : await log.Page([request.Filter with { Organization = request.OrganizationId, IsOfOrganizations = true }], request.Cursor, cancellationToken);
    }
}
