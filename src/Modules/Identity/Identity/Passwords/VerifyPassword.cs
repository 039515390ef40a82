using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A page asks its user for the password once more: <c>POST /api/auth/verify-password</c>.</summary>
internal static class VerifyPassword
{
    internal sealed record Request(string Password) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("password"));
    }

    internal sealed record Command(string UserId, string Password) : IRequest<Outcome>;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/verify-password", async (Request request, Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!, request.Password), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .RequireSession()
            .WithName(nameof(VerifyPassword));
    }

    internal sealed class Handler(OwnPassword own) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct) =>
            await own.Check(command.UserId, command.Password, "verify_password", OwnPassword.Wrong, ct) is { Refusal: { } refusal } ? refusal : Outcome.Done;
    }
}
