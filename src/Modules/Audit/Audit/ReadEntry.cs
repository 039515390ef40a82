using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>An administrator reads one entry: <c>GET /api/audit/entries/{position}</c>.</summary>
internal static class ReadEntry
{
    internal sealed record Query(long Position) : IRequest<Outcome<Entry>>;

    internal static readonly Refusal NotFound = Refusal.NotFound("entry_not_found");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/entries/{position}", async (string position, IMediator mediator, CancellationToken ct) =>
                EntryBounds.TryPosition(position, out var wanted) && wanted is { } at
                    ? (await mediator.Send(new Query(at), ct)).ToHttp(EntryJson.One)
                    : EntryBounds.InvalidCursor.ToHttp())
            .RequireRole("admin")
            .WithName(nameof(ReadEntry))
            .Produces(StatusCodes.Status200OK)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed class Handler(EntryLog log, LogBoundaries boundaries) : IRequestHandler<Query, Outcome<Entry>>
    {
        public async Task<Outcome<Entry>> Handle(Query request, CancellationToken cancellationToken) =>
            await log.At(request.Position, cancellationToken) is { } entry ? entry
            : await boundaries.Refuse(request.Position, cancellationToken) is { } dropped ? dropped : NotFound;
    }
}
