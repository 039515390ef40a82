using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Messaging;

namespace Modular.Sessions;

/// <summary>A user ends all of their sessions, this one too: <c>POST /revoke-sessions</c>.</summary>
internal static class RevokeSessions
{
    internal sealed record Command(string UserId) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/revoke-sessions", new AuthPost { BodyOptional = true }, async (
                Caller caller, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(caller.UserId!), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Status = true }));
            })
            .RequireSession()
            .WithName(nameof(RevokeSessions));
    }

    internal sealed class Handler(IMediator mediator, IMessageBus bus, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            await mediator.Send(new Contracts.EndSessionsOfUser(command.UserId, "revoked_by_user"), ct);
            await bus.PublishAsync(new Contracts.SessionsRevoked(command.UserId, clock.GetUtcNow()));
            return Outcome.Done;
        }
    }
}
