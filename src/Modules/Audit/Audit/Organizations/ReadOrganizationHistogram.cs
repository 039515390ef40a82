using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Owners and admins of an organization see when how much became of it:
/// <c>GET /api/audit/organizations/{id}/histogram</c>.
/// </summary>
internal static class ReadOrganizationHistogram
{
    internal sealed record Query(string OrganizationId, EntryFilter Filter, HistogramWish Wish) : IRequest<Outcome<Histogram>>;

    internal sealed class Endpoint(TimeProvider clock) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/organizations/{id}/histogram", async (
                string id, [AsParameters] EntryFilterText filters, [AsParameters] EntryRange range, [AsParameters] HistogramText buckets,
                IMediator mediator, CancellationToken ct) =>
            {
                var filter = range.Narrow(OrganizationReaders.Within(filters, id).Read());
                if (filter.Refusal is { } wrong)
                    return wrong.ToHttp();
                var wish = buckets.Read(filter.Answer, clock.GetUtcNow());
                return wish.Refusal is { } wrongWish
                    ? wrongWish.ToHttp()
                    : (await mediator.Send(new Query(id, filter.Answer, wish.Answer), ct)).ToHttp(WireJson.Ok);
            })
            .RequireSession()
            .WithName(nameof(ReadOrganizationHistogram))
            .Produces<Histogram>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden);
    }

    internal sealed class Handler(Histograms histograms, OrganizationReaders readers) : IRequestHandler<Query, Outcome<Histogram>>
    {
        public async Task<Outcome<Histogram>> Handle(Query request, CancellationToken cancellationToken) =>
            await readers.Admit(request.OrganizationId, cancellationToken) is { } refusal
                ? refusal
                : await histograms.Of(request.Filter with { Organization = request.OrganizationId, IsOfOrganizations = true }, request.Wish, cancellationToken);
    }
}
