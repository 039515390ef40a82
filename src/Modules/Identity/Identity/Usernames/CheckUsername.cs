using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>Anybody asks whether a username is free: <c>POST /api/auth/is-username-available</c>.</summary>
internal static class CheckUsername
{
    internal sealed record Request(string Username) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("username"));
    }

    internal sealed record Query(string Key) : IRequest<Outcome<bool>>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/is-username-available", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                if (Forbids(request.Username) is { } forbidden)
                    return forbidden.ToHttp();
                var outcome = await mediator.Send(new Query(request.Username.ToLowerInvariant()), ct);
                return outcome.ToHttp(available => WireJson.Ok(new { Available = available }));
            })
            .WithName(nameof(CheckUsername))
            .PartOf(AuthGroup.Username);
    }

    internal sealed class Handler(UsernameHolders holders) : IRequestHandler<Query, Outcome<bool>>
    {
        public async Task<Outcome<bool>> Handle(Query query, CancellationToken ct) => await holders.IsFree(query.Key, ct);
    }

    /// <summary>The same refusals as elsewhere, with the status that signing in has (contract §7.7).</summary>
    internal static Refusal? Forbids(string username) =>
        Username.RefuseName(username) is { } refusal ? refusal with { Status = StatusCodes.Status422UnprocessableEntity } : null;
}
