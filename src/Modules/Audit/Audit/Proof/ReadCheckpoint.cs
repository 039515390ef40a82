using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Auditors and witnesses read a signed checkpoint: the newest by <c>GET /api/audit/log/checkpoint</c>, the newest that a
/// witness has countersigned by <c>…/checkpoint/witnessed</c>, that of a size by <c>…/checkpoints/{size}</c>.
/// </summary>
internal static class ReadCheckpoint
{
    /// <param name="Size">Null: the newest.</param>
    internal sealed record Query(long? Size = null, bool Witnessed = false) : IRequest<Outcome<string>>;

    internal static readonly Refusal NotFound = Refusal.NotFound("checkpoint_not_found");

    internal sealed class Endpoint(LogAccess access) : ICarterModule
    {
        private const string NoteType = "text/plain; charset=utf-8";

        public void AddRoutes(IEndpointRouteBuilder app)
        {
            Map(app, "/api/audit/log/checkpoint", nameof(ReadCheckpoint), _ => new Query());
            Map(app, "/api/audit/log/checkpoint/witnessed", $"{nameof(ReadCheckpoint)}Witnessed", _ => new Query(Witnessed: true));
            Map(app, "/api/audit/log/checkpoints/{size}", $"{nameof(ReadCheckpoint)}OfSize", context =>
                EntryBounds.TryPosition(context.GetRouteValue("size") as string, out var size) && size is not null ? new Query(size) : null);
        }

        private void Map(IEndpointRouteBuilder app, string path, string name, Func<HttpContext, Query?> read) => access.Guard(app
            .MapGet(path, async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (read(context) is not { } query)
                    return EntryBounds.InvalidCursor.ToHttp();
                // Cosignatures arrive later, so that of a size changes too.
                context.Response.Headers.CacheControl = "no-cache";
                return (await mediator.Send(query, ct)).ToHttp(note => TypedResults.Text(note, NoteType));
            }))
            .WithName(name)
            .Produces(StatusCodes.Status200OK, contentType: "text/plain")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed class Handler(Checkpoints checkpoints, Cosignatures cosignatures) : IRequestHandler<Query, Outcome<string>>
    {
        public async Task<Outcome<string>> Handle(Query request, CancellationToken cancellationToken)
        {
            var size = request.Witnessed ? await cosignatures.NewestSize(cancellationToken) : request.Size;
            if (request.Witnessed && size is null)
                return NotFound;
            var stored = size is { } wanted
                ? await checkpoints.At(wanted, cancellationToken)
                : await checkpoints.Newest(cancellationToken) ?? await checkpoints.Current(cancellationToken);
            return stored is null ? NotFound : (await cosignatures.AddTo(stored, cancellationToken)).ToString();
        }
    }
}
