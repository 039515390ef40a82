using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>An administrator sees where the log is pushed to: <c>GET /api/audit/sinks</c>, <c>audit sinks list</c>.</summary>
internal static class ListSinks
{
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/sinks", async (IMediator mediator, CancellationToken ct) =>
                TypedResults.Ok(new { sinks = await mediator.Send(new Contracts.ListSinks(), ct) }))
            .RequireRole("admin")
            .WithName(nameof(ListSinks))
            .Produces(StatusCodes.Status200OK);
    }

    internal sealed class Handler(SinkReport sinks) : IRequestHandler<Contracts.ListSinks, IReadOnlyList<SinkStatus>>
    {
        public Task<IReadOnlyList<SinkStatus>> Handle(Contracts.ListSinks request, CancellationToken cancellationToken) => sinks.All(cancellationToken);
    }
}
