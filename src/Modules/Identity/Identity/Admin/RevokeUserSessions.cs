using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>An administrator ends every session of a user: <c>POST /api/auth/admin/revoke-user-sessions</c>.</summary>
internal static class RevokeUserSessions
{
    internal sealed record Request(string UserId) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(AdminInput.UserId(body));
    }

    internal sealed record Command(string UserId) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/revoke-user-sessions", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.UserId), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .OfAdmin(nameof(RevokeUserSessions));
    }

    internal sealed class Handler(AdminGate gate, IMediator mediator, Verifications verifications) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await gate.Enter(AdminRight.RevokeSessions, command.UserId, ct) is { } refusal)
                return refusal;
            await mediator.Send(new EndSessionsOfUser(command.UserId, "revoked_by_administrator"), ct);
            verifications.Revoke(EmailTicket.ChangePurpose, command.UserId);
            return Outcome.Done;
        }
    }
}
