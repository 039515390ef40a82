using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>An administrator searches the log, newest first: <c>GET /api/audit/entries</c>.</summary>
internal static class SearchEntries
{
    internal sealed record Query(EntryFilter Filter, EntryCursor Cursor) : IRequest<EntryPage>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/entries", async (
                [AsParameters] EntryFilterText filters, [AsParameters] EntryRange range,
                [AsParameters] EntryPlace place, IMediator mediator, LogBoundaries boundaries, CancellationToken ct) =>
            {
                var filter = range.Narrow(filters.Read());
                if (filter.Refusal is { } wrong)
                    return wrong.ToHttp();
                var cursor = EntryBounds.Cursor(place);
                if (cursor.Refusal is { } wrongCursor)
                    return wrongCursor.ToHttp();
                // A page that ends where the log begins would be empty, and look like the end of the search.
                return await boundaries.Refuse(Least(cursor.Answer.Before, filter.Answer.To) - 1, ct) is { } dropped
                    ? dropped.ToHttp()
                    : EntryJson.Page(await mediator.Send(new Query(filter.Answer, cursor.Answer), ct), EntrySight.Everything);
            })
            .RequireRole("admin")
            .WithName(nameof(SearchEntries))
            .Produces(StatusCodes.Status200OK)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status410Gone);

        private static long? Least(long? one, long? other) => one < other || other is null ? one : other;
    }

    internal sealed class Handler(EntryLog log) : IRequestHandler<Query, EntryPage>
    {
        public Task<EntryPage> Handle(Query request, CancellationToken cancellationToken) =>
            log.Page([request.Filter], request.Cursor, cancellationToken);
    }
}
