using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>Auditors ask for the proof that an entry is in the log: <c>GET /api/audit/log/proof/inclusion?position=&amp;size=</c>.</summary>
internal static class ProveInclusion
{
    internal sealed record Query(long Position, long? Size) : IRequest<Outcome<Proof>>;

    /// <param name="Hashes">From the leaf up (RFC 6962 §2.1.1), base64.</param>
    internal sealed record Proof(long Position, long Size, string Leaf, IReadOnlyList<string> Hashes, string Root);

    internal static readonly Refusal Invalid = Refusal.BadRequest("invalid_position", "position and size are whole numbers, and position is below size");
    internal static readonly Refusal NotFound = Refusal.NotFound("entry_not_found", "No checkpoint is signed for so many entries yet");

    internal sealed class Endpoint(LogAccess access) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => access.Guard(app
            .MapGet("/api/audit/log/proof/inclusion", async (string? position, string? size, IMediator mediator, CancellationToken ct) =>
                EntryBounds.TryPosition(position, out var at) && at is { } wanted && EntryBounds.TryPosition(size, out var of) && !(of <= wanted)
                    ? (await mediator.Send(new Query(wanted, of), ct)).ToHttp(WireJson.Ok)
                    : Invalid.ToHttp()))
            .WithName(nameof(ProveInclusion))
            .Produces<Proof>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed class Handler(LogTree tree, Checkpoints checkpoints) : IRequestHandler<Query, Outcome<Proof>>
    {
        public async Task<Outcome<Proof>> Handle(Query request, CancellationToken cancellationToken)
        {
            var signed = (await checkpoints.Newest(cancellationToken))?.Checkpoint.Size ?? 0;
            var size = request.Size ?? signed;
            if (request.Position >= size || size > signed)
                return NotFound;
            var leaf = await tree.Leaf(request.Position, cancellationToken);
            var path = await tree.Inclusion(request.Position, size, cancellationToken);
            var root = await tree.Root(size, cancellationToken);
            return leaf is null || path is null || root is null
                ? NotFound
                : new Proof(request.Position, size, Convert.ToBase64String(leaf), [.. path.Select(Convert.ToBase64String)], Convert.ToBase64String(root));
        }
    }
}
