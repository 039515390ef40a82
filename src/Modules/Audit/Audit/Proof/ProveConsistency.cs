using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Witnesses ask for the proof that the log has only grown: <c>GET /api/audit/log/proof/consistency?from=&amp;to=</c>.
/// </summary>
internal static class ProveConsistency
{
    internal sealed record Query(long From, long? To) : IRequest<Outcome<Proof>>;

    /// <param name="Hashes">As RFC 6962 §2.1.2 orders them, base64.</param>
    internal sealed record Proof(long From, long To, string FromRoot, string ToRoot, IReadOnlyList<string> Hashes);

    internal static readonly Refusal Invalid = Refusal.BadRequest("invalid_size", "from and to are sizes of the log, from not above to");
    internal static readonly Refusal NotFound = Refusal.NotFound("checkpoint_not_found", "No checkpoint is signed for so many entries yet");

    internal sealed class Endpoint(LogAccess access) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => access.Guard(app
            .MapGet("/api/audit/log/proof/consistency", async (string? from, string? to, IMediator mediator, CancellationToken ct) =>
                EntryBounds.TryPosition(from, out var start) && start is { } older && EntryBounds.TryPosition(to, out var end) && !(end < older)
                    ? (await mediator.Send(new Query(older, end), ct)).ToHttp(WireJson.Ok)
                    : Invalid.ToHttp()))
            .WithName(nameof(ProveConsistency))
            .Produces<Proof>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed class Handler(LogTree tree, Checkpoints checkpoints) : IRequestHandler<Query, Outcome<Proof>>
    {
        public async Task<Outcome<Proof>> Handle(Query request, CancellationToken cancellationToken)
        {
            var signed = (await checkpoints.Newest(cancellationToken))?.Checkpoint.Size ?? 0;
            var to = request.To ?? signed;
            if (request.From > to || to > signed)
                return NotFound;
            var hashes = await tree.Consistency(request.From, to, cancellationToken);
            var fromRoot = await tree.Root(request.From, cancellationToken);
            var toRoot = await tree.Root(to, cancellationToken);
            return hashes is null || fromRoot is null || toRoot is null
                ? NotFound
                : new Proof(request.From, to, Convert.ToBase64String(fromRoot), Convert.ToBase64String(toRoot), [.. hashes.Select(Convert.ToBase64String)]);
        }
    }
}
