using FluentValidation;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// A back end asks whether a key that it was given is good, which uses it once: <c>POST /api/api-keys/verify</c>. Better Auth
/// has this only as a call within its own process.
/// </summary>
internal static class VerifyApiKey
{
    /// <param name="Permissions">What the key has to permit; null: nothing in particular.</param>
    internal sealed record Request(string? Key, IReadOnlyDictionary<string, IReadOnlyList<string>>? Permissions);

    internal sealed record Command(string Key, IReadOnlyDictionary<string, IReadOnlyList<string>>? Permissions) : IRequest<Outcome<Answer>>;

    internal sealed record Answer(bool Valid, Problem? Error, WireApiKey? Key);

    /// <param name="TryAgainIn">In milliseconds; null: nobody knows.</param>
    internal sealed record Problem(string Message, string Code, long? TryAgainIn);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapPost("/api/api-keys/verify", async (Request request, IMediator mediator, CancellationToken ct) =>
                (await mediator.Send(new Command(request.Key ?? "", request.Permissions), ct)).ToHttp(WireJson.Ok))
            .RequireVerifierKey()
            .WithName(nameof(VerifyApiKey))
            .WithTags("api-keys")
            .Produces<Answer>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .PartOf(AuthGroup.ApiKey);
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(command => command.Key).NotEmpty();
            RuleFor(command => command.Permissions).Must(ApiKeyPermissions.AreWellFormed).WithMessage(ApiKeyPermissions.Problem);
        }
    }

    internal sealed class Handler(ApiKeyCheck check) : IRequestHandler<Command, Outcome<Answer>>
    {
        public async Task<Outcome<Answer>> Handle(Command command, CancellationToken ct)
        {
            var wanted = command.Permissions is { } permissions ? new Statements(permissions) : null;
            var outcome = await check.Use(command.Key, wanted, "verify", ct);
            return outcome.Refusal switch
            {
                null => new Answer(true, null, outcome.Answer.Key.ToWire(outcome.Answer.Use)),
                { Status: StatusCodes.Status503ServiceUnavailable } refusal => refusal,
                { } refusal => new Answer(false, ProblemOf(refusal), null),
            };
        }

        private static Problem ProblemOf(Refusal refusal) =>
            new(refusal.Message, refusal.Code, refusal.RetryAfter is { } wait ? (long)Math.Ceiling(wait.TotalMilliseconds) : null);
    }
}
