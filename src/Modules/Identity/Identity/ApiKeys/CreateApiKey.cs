using System.Text.Json;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user makes a key for a program: <c>POST /api/auth/api-key/create</c>. The key itself is shown this once.</summary>
internal static class CreateApiKey
{
    /// <param name="NamesUser">Whether it names a user, which only a server may.</param>
    internal sealed record Request(
        string? Name, double? ExpiresIn, string? Prefix, bool IsServerOnly, JsonElement? Metadata, bool NamesUser, bool IsForOrganization)
        : IWireInput<Request>
    {
        public static Request Read(WireBody body)
        {
            body.OptionalString("configId");
            var name = body.OptionalString("name");
            var expiresIn = ApiKeyRules.ReadExpiresIn(body).Value;
            var prefix = ApiKeyRules.ReadPrefix(body);
            var isServerOnly = ApiKeyRules.ReadServerOnly(body);
            return new(
                name, expiresIn, prefix, isServerOnly, ApiKeyRules.ReadMetadata(body), body.Member("userId") is not null,
                body.Member("organizationId") is not null);
        }
    }

    internal sealed record Command(string UserId, string? Name, double? ExpiresIn, string? Prefix, JsonElement? Metadata)
        : IRequest<Outcome<WireApiKey>>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/api-key/create", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (Forbids(request) is { } forbidden)
                    return forbidden.ToHttp();
                // A key makes no keys: one that leaked would outlive its end.
                if (await SignedInExtensions.Identify(context) is not { KeyId: null } session)
                    return ApiKeyRules.Unauthorized.ToHttp();
                if (request.IsForOrganization)
                    return ApiKeyRules.NoOrganizations.ToHttp();
                var command = new Command(session.UserId, request.Name, request.ExpiresIn, request.Prefix, request.Metadata);
                var outcome = await mediator.Send(command, ct);
                return outcome.ToHttp(WireJson.Ok);
            })
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .WithName(nameof(CreateApiKey))
            .PartOf(AuthGroup.ApiKey);
    }

    internal sealed class Handler(NewApiKey keys) : IRequestHandler<Command, Outcome<WireApiKey>>
    {
        public async Task<Outcome<WireApiKey>> Handle(Command command, CancellationToken ct)
        {
            var wish = Decide(command);
            return wish.Refusal is { } refusal ? refusal : await keys.Issue(wish.Answer, ct);
        }
    }

    internal static Refusal? Forbids(Request request) =>
        request.IsServerOnly ? ApiKeyRules.ServerOnly : request.NamesUser ? ApiKeyRules.Unauthorized : null;

    internal static Outcome<ApiKeyWish> Decide(Command command)
    {
        // What JavaScript takes for nothing is none.
        var metadata = IsNothing(command.Metadata) ? null : command.Metadata;
        if (metadata is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Array) })
            return ApiKeyRules.MetadataType;
        if (ApiKeyRules.CheckExpiry(command.ExpiresIn) is { } refusal)
            return refusal;
        if (command.Prefix?.Length > ApiKey.LongestPrefix)
            return ApiKeyRules.PrefixLength;
        if (command.Name?.Length > ApiKeyRules.LongestName)
            return ApiKeyRules.NameLength;
        return new ApiKeyWish(
            command.UserId, command.Name, command.Prefix, command.ExpiresIn, metadata?.GetRawText(),
            Permissions: null, Remaining: null, RefillAmount: null, RefillInterval: null, RateLimitEnabled: null, RateLimitTimeWindow: null,
            RateLimitMax: null, ApiKeyCreated.ByUser);
    }

    private static bool IsNothing(JsonElement? value) => value is null or { ValueKind: JsonValueKind.Null or JsonValueKind.False }
        || (value.Value.ValueKind == JsonValueKind.String && value.Value.GetString()!.Length == 0)
        || (value.Value.ValueKind == JsonValueKind.Number && value.Value.GetDouble() == 0);
}
