using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Audit.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// An administrator takes a part of the log away, with what proves it: <c>GET /api/audit/export</c>, <c>audit export</c>.
/// </summary>
internal static class ExportLog
{
    internal static readonly Refusal Invalid = Refusal.BadRequest("invalid_position", "from and to are positions, from not above to");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapGet("/api/audit/export", async (string? from, string? to, IMediator mediator, CancellationToken ct) =>
                EntryBounds.TryPosition(from, out var first) && EntryBounds.TryPosition(to, out var end) && !(end < (first ?? 0))
                    ? new Download(await mediator.Send(new Contracts.ExportLog(first ?? 0, end), ct), mediator)
                    : Invalid.ToHttp())
            .RequireRole("admin")
            .WithName(nameof(ExportLog))
            .Produces(StatusCodes.Status200OK, contentType: "application/x-ndjson")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    internal sealed class Handler(IDocumentSession store, LogRows rows, Checkpoints checkpoints, LogBoundaries boundaries) : IRequestHandler<Contracts.ExportLog, ExportedLog>
    {
        public async Task<ExportedLog> Handle(Contracts.ExportLog request, CancellationToken cancellationToken)
        {
            var signed = (await checkpoints.Current(cancellationToken)).Checkpoint.Size;
            var to = Math.Min(request.To ?? signed, signed);
            // From the first that is there: what was dropped by its age cannot be taken away any more.
            var from = Math.Clamp(Math.Max(request.From, (await boundaries.Last(cancellationToken)).Position), 0, to);
            store.Events.Append("log-exports", new LogExported(from, to, ExportLines.Format));
            return new ExportedLog(from, to, ExportLines.Write(rows, from, to, CancellationToken.None));
        }
    }

    // The manifest comes as the last line: whoever got no such line has not got all.
    private sealed class Download(ExportedLog export, IMediator mediator) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var (response, ct) = (httpContext.Response, httpContext.RequestAborted);
            response.ContentType = "application/x-ndjson";
            response.Headers.CacheControl = "no-store";
            response.Headers.ContentDisposition = FormattableString.Invariant($"attachment; filename=\"audit-{export.From}-{export.To}.ndjson\"");
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var bytes = 0L;
            await foreach (var chunk in export.Lines.WithCancellation(ct))
            {
                hash.AppendData(chunk.Span);
                bytes += chunk.Length;
                await response.Body.WriteAsync(chunk, ct);
            }

            var manifest = await mediator.Send(
                new Contracts.SignManifest(
                    ExportLines.Format, Convert.ToHexStringLower(hash.GetHashAndReset()), bytes, export.To - export.From, export.From, export.To),
                ct);
            await response.Body.WriteAsync(Encoding.UTF8.GetBytes($"{JsonSerializer.Serialize(new { manifest = manifest.Note })}\n"), ct);
        }
    }
}

/// <summary>A part of the log was taken away.</summary>
/// <param name="To">The position behind the last one.</param>
internal sealed record LogExported(long From, long To, string Format);
