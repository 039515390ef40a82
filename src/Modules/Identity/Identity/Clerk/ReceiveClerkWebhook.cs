using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Clerk tells what became of one of its users: <c>POST /api/webhooks/clerk</c>, signed by Svix.</summary>
internal static class ReceiveClerkWebhook
{
    internal sealed record Command(string MessageId, ClerkEvent Change, string BaseUrl) : IRequest<Outcome<ClerkEffect>>, IIdempotent;

    /// <param name="Status"><c>applied</c>, <c>duplicate</c>, <c>stale</c>, <c>ignored</c> or <c>refused</c>.</param>
    /// <param name="Reason">Why it was ignored or refused.</param>
    internal sealed record Response(string Status, string? Reason);

    /// <summary>A message is some kilobytes; Clerk's metadata may have 8 KiB each.</summary>
    internal const int LargestBody = 256 * 1024;

    internal static readonly Refusal TooLarge = Refusal.Of(StatusCodes.Status413PayloadTooLarge, "body_too_large", "Request body too large");

    internal static readonly Refusal NoJson = Refusal.BadRequest("invalid_json", "Invalid JSON in request body");

    internal sealed class Endpoint(IOptions<ClerkOptions> options, SvixSignature signature, PublicAddress address, RefusedRequests refused, ClerkMetrics metrics) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/webhooks/clerk", async (HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (!options.Value.IsOn)
                    return Refusal.NotFound().ToHttp();
                var outcome = await Receive(context, mediator, ct);
                metrics.Count(outcome.Refusal?.Code ?? outcome.Answer.Status);
                return outcome.ToHttp(effect => WireJson.Ok(new Response(effect.Status, effect.Reason)));
            })
            .WithName(nameof(ReceiveClerkWebhook))
            .WithTags("webhooks")
            .Produces<Response>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status409Conflict);

        private async Task<Outcome<ClerkEffect>> Receive(HttpContext context, IMediator mediator, CancellationToken ct)
        {
            if (await Body(context.Request, ct) is not { } body)
                return TooLarge;
            var signed = signature.Check(context.Request.Headers, body);
            if (signed.Refusal is { } forged)
            {
                refused.Count(RefusedKind.WebhookSignature, context);
                return forged;
            }

            var change = Parse(body);
            if (change.Refusal is { } malformed)
                return malformed;
            return change.Answer is { } about
                ? await ProviderRefusals.Insist(() => mediator.Send(new Command(signed.Answer, about, address.For(context).ToString()), ct))
                : ClerkEffect.Ignored("unknown_type");
        }

        private static async Task<byte[]?> Body(HttpRequest request, CancellationToken ct)
        {
            using var read = new MemoryStream();
            var chunk = new byte[16 * 1024];
            for (int length; (length = await request.Body.ReadAsync(chunk, ct)) > 0;)
            {
                if (read.Length + length > LargestBody)
                    return null;
                read.Write(chunk, 0, length);
            }

            return read.ToArray();
        }
    }

    internal sealed class Handler(ClerkLedger ledger, ClerkSync sync) : IRequestHandler<Command, Outcome<ClerkEffect>>
    {
        public async Task<Outcome<ClerkEffect>> Handle(Command command, CancellationToken ct)
        {
            var change = command.Change;
            var (isTaken, known) = await ledger.Find(command.MessageId, change.UserId, ct);
            if (isTaken)
                return ClerkEffect.Duplicate;
            if (Decide(known, change) is { } nothing)
            {
                ledger.TakeOnly(command.MessageId);
                return nothing;
            }

            ledger.Take(command.MessageId, known, change);
            return change.User is { } user
                ? await sync.Apply(user, command.BaseUrl, ct)
                : await sync.Remove(change.UserId, command.BaseUrl, ct);
        }
    }

    /// <summary>What a message is that comes too late; null: it is to be applied. After the end comes nothing, a newer version wins.</summary>
    internal static ClerkEffect? Decide(ClerkVersion known, ClerkEvent change) => known switch
    {
        { IsDeleted: true } => ClerkEffect.Ignored("deleted"),
        _ when change.User is null || known.Revision == 0 || known.IsOlderThan(change) => null,
        _ => ClerkEffect.Stale,
    };

    /// <summary>What a body says; nothing: it is about something else.</summary>
    internal static Outcome<ClerkEvent?> Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var change = ClerkEvent.Read(json.RootElement, out var errors);
            return errors.Count > 0 ? Refusal.Invalid(errors) : Outcome.Of(change);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // Also a string that is no text: half of a surrogate pair.
            return NoJson;
        }
    }
}
