using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user renames, disables or limits one of their keys: <c>POST /api/auth/api-key/update</c>.</summary>
internal static class UpdateApiKey
{
    /// <param name="UserId">Whom it names as the owner; must be the caller.</param>
    internal sealed record Request(
        string KeyId, string? UserId, string? Name, bool? Enabled, JsonElement? Metadata, WireValue<double?> ExpiresIn, bool IsServerOnly)
        : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            body.OptionalString("configId");
            var keyId = body.RequiredString("keyId");
            var name = body.OptionalString("name");
            var enabled = body.OptionalBool("enabled");
            var isServerOnly = ApiKeyRules.ReadServerOnly(body) || body.Member("remaining") is not null;
            return new(
                keyId, body.Member("userId")?.ToString(), name, enabled, ApiKeyRules.ReadMetadata(body), ApiKeyRules.ReadExpiresIn(body), isServerOnly);
        }
    }

    internal sealed record Command(
        string UserId, string KeyId, string? Name, bool? Enabled, JsonElement? Metadata, WireValue<double?> ExpiresIn)
        : IRequest<Outcome<WireApiKey>>, IIdempotent;

    internal static readonly Refusal NothingToUpdate = Refusal.BadRequest("NO_VALUES_TO_UPDATE", "No values to update.");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/api-key/update", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (await SignedInExtensions.Identify(context) is not { KeyId: null } session
                    || (!string.IsNullOrEmpty(request.UserId) && request.UserId != session.UserId))
                    return ApiKeyRules.Unauthorized.ToHttp();
                if (request.IsServerOnly)
                    return ApiKeyRules.ServerOnly.ToHttp();
                var command = new Command(session.UserId, request.KeyId, request.Name, request.Enabled, request.Metadata, request.ExpiresIn);
                return (await mediator.Send(command, ct)).ToHttp(WireJson.Ok);
            })
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .WithName(nameof(UpdateApiKey))
            .PartOf(AuthGroup.ApiKey);
    }

    internal sealed class Handler(OwnApiKey own, ApiKeyUses uses, TimeProvider clock) : IRequestHandler<Command, Outcome<WireApiKey>>
    {
        public async Task<Outcome<WireApiKey>> Handle(Command command, CancellationToken ct)
        {
            var found = await own.FindForWriting(command.UserId, command.KeyId, "update", ct);
            if (found.Refusal is { } unknown)
                return unknown;
            var key = found.Answer.Aggregate!;
            var decided = Decide(key, command, User.Now(clock));
            if (decided.Refusal is { } refusal)
                return refusal;
            if (decided.Answer is { } updated)
            {
                found.Answer.AppendOne(updated);
                key = key.Apply(updated);
            }

            return (await uses.OfUser(command.UserId, ct)).TryGetValue(key.Id, out var use) ? key.ToWire(use) : ApiKeyRules.NotFound;
        }
    }

    /// <summary>What is already so is no change: null when nothing is left.</summary>
    internal static Outcome<ApiKeyUpdated?> Decide(ApiKey key, Command command, DateTimeOffset now)
    {
        if (command.Name?.Length is 0 or > ApiKeyRules.LongestName)
            return ApiKeyRules.NameLength;
        if (ApiKeyRules.CheckExpiry(command.ExpiresIn.Value) is { } refusal)
            return refusal;
        if (command.Metadata is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null) })
            return ApiKeyRules.MetadataType;
        if (command is { Name: null, Enabled: null, Metadata: null, ExpiresIn.IsPresent: false })
            return NothingToUpdate;

        var (expiresAt, metadata) = (ApiKeyRules.Expiry(command.ExpiresIn.Value, now), TextOf(command.Metadata));
        List<string> changed = [];
        if (command.Name is { } name && name != key.Name)
            changed.Add(ApiKeyUpdated.NameMember);
        if (command.Enabled is { } enabled && enabled != key.Enabled)
            changed.Add(ApiKeyUpdated.EnabledMember);
        if (command.ExpiresIn.IsPresent && expiresAt != key.ExpiresAt)
            changed.Add(ApiKeyUpdated.ExpiresAtMember);
        if (command.Metadata is not null && metadata != key.Metadata)
            changed.Add(ApiKeyUpdated.MetadataMember);
        return changed.Count == 0
            ? Outcome.Of<ApiKeyUpdated?>(null)
            : new ApiKeyUpdated(
                key.Id,
                key.UserId,
                changed,
                changed.Contains(ApiKeyUpdated.NameMember) ? command.Name : null,
                changed.Contains(ApiKeyUpdated.EnabledMember) ? command.Enabled : null,
                changed.Contains(ApiKeyUpdated.ExpiresAtMember) ? expiresAt : null,
                changed.Contains(ApiKeyUpdated.MetadataMember) ? metadata : null,
                now);
    }

    private static string? TextOf(JsonElement? metadata) => metadata is { ValueKind: not JsonValueKind.Null } given ? given.GetRawText() : null;
}
