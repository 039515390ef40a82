using System.Globalization;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>Auditors read hashes of the tree: <c>GET /api/audit/log/tile/{level}/{path}</c>.</summary>
internal static class ReadTile
{
    internal sealed record Query(TileId Tile, int Width) : IRequest<Outcome<byte[]>>;

    internal static readonly Refusal NotFound = Refusal.NotFound("tile_not_found");

    internal sealed class Endpoint(LogAccess access) : ICarterModule
    {
        private const int HighestLevel = 63;

        public void AddRoutes(IEndpointRouteBuilder app) => access.Guard(app
            .MapGet("/api/audit/log/tile/{level}/{**path}", async (string level, string path, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!int.TryParse(level, NumberStyles.None, CultureInfo.InvariantCulture, out var height) || height > HighestLevel
                    || level != height.ToString(CultureInfo.InvariantCulture) || !TilePath.TryRead(path, out var number, out var width))
                    return NotFound.ToHttp();
                return (await mediator.Send(new Query(new TileId(height, number), width), ct)).ToHttp(hashes =>
                {
                    context.Response.Headers.CacheControl = access.Forever;
                    return TypedResults.Bytes(hashes, "application/octet-stream");
                });
            }))
            .WithName(nameof(ReadTile))
            .Produces(StatusCodes.Status200OK, contentType: "application/octet-stream")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed class Handler(LogTree tree, Checkpoints checkpoints) : IRequestHandler<Query, Outcome<byte[]>>
    {
        public async Task<Outcome<byte[]>> Handle(Query request, CancellationToken cancellationToken)
        {
            // Nothing beyond what is signed: it could not be checked.
            var size = (await checkpoints.Newest(cancellationToken))?.Checkpoint.Size ?? 0;
            return request.Tile.WidthIn(size) >= request.Width && await tree.Hashes(request.Tile, request.Width, cancellationToken) is { } hashes
                ? hashes
                : NotFound;
        }
    }
}
