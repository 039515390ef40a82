using MediatR;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Sessions.Contracts;

namespace Modular.Identity;

/// <summary>An administrator ends one session of anybody's: <c>POST /api/auth/admin/revoke-user-session</c>.</summary>
internal static class RevokeUserSession
{
    internal sealed record Request(string Token) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("sessionToken"));
    }

    /// <param name="Named">A token or a handle.</param>
    internal sealed record Command(string Named) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/admin/revoke-user-session", async (Request request, IMediator mediator, CancellationToken ct) =>
            {
                var outcome = await mediator.Send(new Command(request.Token), ct);
                return outcome.ToHttp(() => WireJson.Ok(new { Success = true }));
            })
            .OfAdmin(nameof(RevokeUserSession));
    }

    internal sealed class Handler(AdminGate gate, IMediator mediator, Verifications verifications) : IRequestHandler<Command, Outcome>
    {
        // A session that is not there is as good as ended (contract §7.1).
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            if (await gate.Enter(AdminRight.RevokeSessions, target: null, ct) is { } refusal)
                return refusal;
            if (await mediator.Send(new EndNamedSession(command.Named, "revoked_by_administrator"), ct) is { } userId)
                verifications.Revoke(EmailTicket.ChangePurpose, userId);
            return Outcome.Done;
        }
    }
}
