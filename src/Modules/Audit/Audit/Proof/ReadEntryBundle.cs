using System.Buffers.Binary;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Administrators read entries as they are hashed, personal data encrypted: <c>GET /api/audit/log/tile/entries/{path}</c>.
/// </summary>
internal static class ReadEntryBundle
{
    internal sealed record Query(long Number, int Width) : IRequest<Outcome<byte[]>>;

    internal static readonly Refusal NotFound = Refusal.NotFound("tile_not_found");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/log/tile/entries/{**path}", async (string path, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!TilePath.TryRead(path, out var number, out var width))
                    return NotFound.ToHttp();
                return (await mediator.Send(new Query(number, width), ct)).ToHttp(bundle =>
                {
                    context.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
                    return TypedResults.Bytes(bundle, "application/octet-stream");
                });
            })
            .RequireRole("admin")
            .WithName(nameof(ReadEntryBundle))
            .Produces(StatusCodes.Status200OK, contentType: "application/octet-stream")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed class Handler(LogRows rows, Checkpoints checkpoints) : IRequestHandler<Query, Outcome<byte[]>>
    {
        public async Task<Outcome<byte[]>> Handle(Query request, CancellationToken cancellationToken)
        {
            var size = (await checkpoints.Newest(cancellationToken))?.Checkpoint.Size ?? 0;
            if (new TileId(0, request.Number).WidthIn(size) < request.Width)
                return NotFound;
            var first = request.Number << Tile.Height;
            var entries = await rows.Canonical(first, first + request.Width, cancellationToken);
            return entries.Count == request.Width ? Bundle(entries) : NotFound;
        }
    }

    /// <summary>Each entry behind its length; an event of at most 60 KiB always fits.</summary>
    internal static byte[] Bundle(IReadOnlyList<byte[]> entries)
    {
        var bundle = new byte[entries.Sum(entry => sizeof(ushort) + entry.Length)];
        var rest = bundle.AsSpan();
        foreach (var entry in entries)
        {
            BinaryPrimitives.WriteUInt16BigEndian(rest, checked((ushort)entry.Length));
            entry.CopyTo(rest[sizeof(ushort)..]);
            rest = rest[(sizeof(ushort) + entry.Length)..];
        }

        return bundle;
    }
}
