using System.Text.Json;
using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A back end makes a key for a user, with what no user may set: permissions, how often it may be used:
/// <c>POST /api/api-keys</c>.
/// </summary>
internal static class IssueApiKey
{
    /// <param name="ExpiresIn">Seconds.</param>
    /// <param name="RefillInterval">Milliseconds; so is <paramref name="RateLimitTimeWindow"/>.</param>
    internal sealed record Request(
        string? UserId,
        string? Name,
        string? Prefix,
        double? ExpiresIn,
        JsonElement? Metadata,
        IReadOnlyDictionary<string, IReadOnlyList<string>>? Permissions,
        long? Remaining,
        long? RefillAmount,
        long? RefillInterval,
        bool? RateLimitEnabled,
        long? RateLimitTimeWindow,
        long? RateLimitMax);

    internal sealed record Command(Request Request) : IRequest<Outcome<WireApiKey>>, IIdempotent;

    internal static readonly Refusal UnknownUser = Refusal.NotFound("user_not_found", "User not found");

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/api-keys", async (Request request, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Command(request), ct)).ToHttp(WireJson.Ok))
            .RequireVerifierKey()
            .WithName(nameof(IssueApiKey))
            .WithTags("api-keys")
            .Produces<WireApiKey>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .PartOf(AuthGroup.ApiKey);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const long Most = 1_000_000_000;
        private static readonly long LongestTime = (long)ApiKeyRules.LongestTime.TotalMilliseconds;

        public Validator()
        {
            RuleFor(command => command.Request.UserId).NotEmpty();
            RuleFor(command => command.Request.Name).MaximumLength(ApiKeyRules.LongestName).Must(name => name?.Contains('\0') != true);
            RuleFor(command => command.Request.Prefix).MaximumLength(ApiKey.LongestPrefix).Must(prefix => prefix is null || ApiKeyRules.IsPrefix(prefix));
            RuleFor(command => command.Request.ExpiresIn).Must(seconds => ApiKeyRules.CheckExpiry(seconds) is null).WithMessage("1 to 365 days, in seconds.");
            RuleFor(command => command.Request.Metadata)
                .Must(metadata => metadata is null or { ValueKind: JsonValueKind.Object or JsonValueKind.Null } && IsShort(metadata))
                .WithMessage("An object of at most 8 KiB, without NUL characters.");
            RuleFor(command => command.Request.Permissions).Must(ApiKeyPermissions.AreWellFormed).WithMessage(ApiKeyPermissions.Problem);
            RuleFor(command => command.Request.Remaining).InclusiveBetween(0, Most);
            RuleFor(command => command.Request.RefillAmount).InclusiveBetween(1, Most)
                .Must((command, amount) => amount.HasValue == command.Request.RefillInterval.HasValue).WithMessage("refillAmount and refillInterval: both or neither.");
            RuleFor(command => command.Request.RefillInterval).InclusiveBetween(1, LongestTime);
            RuleFor(command => command.Request.RateLimitTimeWindow).InclusiveBetween(1, LongestTime);
            RuleFor(command => command.Request.RateLimitMax).InclusiveBetween(1, Most);
        }

        private static bool IsShort(JsonElement? metadata) => metadata?.GetRawText() is not { } text
            || (UserLimits.Fits(text, ApiKeyRules.MostJsonBytes) && !text.Contains("\\u0000", StringComparison.Ordinal));
    }

    internal sealed class Handler(NewApiKey keys, IDocumentSession store) : IRequestHandler<Command, Outcome<WireApiKey>>
    {
        public async Task<Outcome<WireApiKey>> Handle(Command command, CancellationToken ct)
        {
            var wish = Decide(command.Request);
            return await store.LoadAsync<User>(wish.UserId, ct) is null ? UnknownUser : await keys.Issue(wish, ct);
        }
    }

    internal static ApiKeyWish Decide(Request request) => new(
        request.UserId!,
        request.Name,
        request.Prefix,
        request.ExpiresIn,
        request.Metadata is { ValueKind: JsonValueKind.Object } metadata ? metadata.GetRawText() : null,
        request.Permissions,
        request.Remaining,
        request.RefillAmount,
        request.RefillInterval,
        request.RateLimitEnabled,
        request.RateLimitTimeWindow,
        request.RateLimitMax,
        ApiKeyCreated.ByVerifier);
}
