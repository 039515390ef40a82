using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>An administrator sees when how much happened: <c>GET /api/audit/histogram</c>.</summary>
internal static class ReadHistogram
{
    internal sealed record Query(EntryFilter Filter, HistogramWish Wish) : IRequest<Outcome<Histogram>>;

    internal sealed class Endpoint(TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/histogram", async (
                [AsParameters] EntryFilterText filters, [AsParameters] EntryRange range, [AsParameters] HistogramText buckets,
                IMediator mediator, CancellationToken ct) =>
            {
                var filter = range.Narrow(filters.Read());
                if (filter.Refusal is { } wrong)
                    return wrong.ToHttp();
                var wish = buckets.Read(filter.Answer, clock.GetUtcNow());
                return wish.Refusal is { } wrongWish
                    ? wrongWish.ToHttp()
                    : (await mediator.Send(new Query(filter.Answer, wish.Answer), ct)).ToHttp(WireJson.Ok);
            })
            .RequireRole("admin")
            .WithName(nameof(ReadHistogram))
            .Produces<Histogram>()
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(Histograms histograms) : IRequestHandler<Query, Outcome<Histogram>>
    {
        public Task<Outcome<Histogram>> Handle(Query request, CancellationToken cancellationToken) =>
            histograms.Of(request.Filter, request.Wish, cancellationToken);
    }
}
