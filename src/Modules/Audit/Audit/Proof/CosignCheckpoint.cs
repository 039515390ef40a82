using System.Text;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Audit.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// A witness hands in a checkpoint of ours with its cosignature: <c>POST /api/audit/log/cosignatures</c>. No event: it
/// would be an entry, which makes a checkpoint, which is cosigned, and so on.
/// </summary>
internal static class CosignCheckpoint
{
    internal static readonly Refusal NotANote = Refusal.BadRequest("not_a_note", "The body is a checkpoint with the cosignature as a line below it");
    internal static readonly Refusal UnknownCheckpoint = Refusal.NotFound("checkpoint_not_found", "This log has not signed such a checkpoint");
    internal static readonly Refusal NotCosigned = Refusal.Forbidden("not_cosigned", "No line is the cosignature of a witness of this log");

    internal sealed class Endpoint(LogAccess access, IOptions<AuditOptions> options) : ICarterModule
    {
        private const int MostBytes = 16 * 1024;

        public void AddRoutes(IEndpointRouteBuilder app)
        {
            // Whoever signs needs no session: the signature says who it is. Without witnesses there is nothing to hand in.
            if (options.Value.WitnessKeys.Count == 0)
                return;
            access.Limit(app.MapPost("/api/audit/log/cosignatures", async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (await Read(context.Request, ct) is not { } note)
                    return NotANote.ToHttp();
                var outcome = await mediator.Send(new Contracts.CosignCheckpoint(note), ct);
                return outcome.Problem switch
                {
                    null => WireJson.Ok(new { outcome.Size, outcome.Witnesses }),
                    "checkpoint_not_found" => UnknownCheckpoint.ToHttp(),
                    "not_cosigned" => NotCosigned.ToHttp(),
                    _ => NotANote.ToHttp(),
                };
            }))
            .WithName(nameof(CosignCheckpoint))
            .Accepts<string>("text/plain")
            .Produces(StatusCodes.Status200OK)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound);
        }

        private static async Task<string?> Read(HttpRequest request, CancellationToken ct)
        {
            if (request.ContentLength is null or > MostBytes)
                return null;
            using var reader = new StreamReader(request.Body, new UTF8Encoding(false));
            return await reader.ReadToEndAsync(ct);
        }
    }

    internal sealed class Handler(Checkpoints checkpoints, Cosignatures cosignatures, IOptions<AuditOptions> options, TimeProvider clock)
        : IRequestHandler<Contracts.CosignCheckpoint, CosignedCheckpoint>
    {
        public async Task<CosignedCheckpoint> Handle(Contracts.CosignCheckpoint request, CancellationToken cancellationToken)
        {
            if (SignedNote.Read(request.Note) is not { } note || Checkpoint.Read(note.Text) is not { } checkpoint)
                return new CosignedCheckpoint(null, [], "not_a_note");
            if (await checkpoints.At(checkpoint.Size, cancellationToken) is not { } stored || stored.Note.Text != note.Text)
                return new CosignedCheckpoint(null, [], "checkpoint_not_found");
            var right = Decide(note, options.Value.WitnessKeys, clock.GetUtcNow());
            foreach (var (signature, seen) in right)
                await cosignatures.Add(checkpoint.Size, signature, seen, cancellationToken);
            return right.Count == 0
                ? new CosignedCheckpoint(null, [], "not_cosigned")
                : new CosignedCheckpoint(checkpoint.Size, [.. right.Select(cosignature => cosignature.Signature.Name)]);
        }
    }

    /// <summary>Those lines that are of a witness, right, and not of the future.</summary>
    internal static List<(NoteSignature Signature, DateTimeOffset Seen)> Decide(SignedNote note, IReadOnlyList<NoteKey> witnesses, DateTimeOffset now)
    {
        var right = new List<(NoteSignature, DateTimeOffset)>();
        foreach (var signature in note.Signatures)
        {
            var key = witnesses.FirstOrDefault(signature.IsOf);
            if (key is not null && SignedNote.SeenAt(signature) is { } seen && seen <= now.AddMinutes(5) && note.IsRight(signature, key))
                right.Add((signature, seen));
        }

        return right;
    }
}
