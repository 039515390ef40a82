using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>An administrator counts entries without reading any: <c>GET /api/audit/count</c>.</summary>
internal static class CountEntries
{
    internal sealed record Query(EntryFilter Filter) : IRequest<EntryCount>;

    /// <param name="IsCapped">There are more than were counted.</param>
    internal sealed record Response(long Count, bool IsCapped);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/count", async (
                [AsParameters] EntryFilterText filters, [AsParameters] EntryRange range, IMediator mediator, CancellationToken ct) =>
            {
                var filter = range.Narrow(filters.Read());
                if (filter.Refusal is { } wrong)
                    return wrong.ToHttp();
                var count = await mediator.Send(new Query(filter.Answer), ct);
                return WireJson.Ok(new Response(count.Entries, count.IsCapped));
            })
            .RequireRole("admin")
            .WithName(nameof(CountEntries))
            .Produces<Response>()
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(EntryLog log) : IRequestHandler<Query, EntryCount>
    {
        public Task<EntryCount> Handle(Query request, CancellationToken cancellationToken) => log.Count([request.Filter], cancellationToken);
    }
}
