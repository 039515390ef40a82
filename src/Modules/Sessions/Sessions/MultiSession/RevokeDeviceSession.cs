using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// A browser drops one of the users it is signed in as: <c>POST /multi-session/revoke</c>. When it was the active one,
/// another takes its place, or nobody.
/// </summary>
internal static class RevokeDeviceSession
{
    internal sealed record Request(string SessionToken) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("sessionToken"));
    }

    internal sealed record Command(SessionToken Token) : IRequest<Outcome>, IIdempotent;

    internal sealed class Endpoint(DeviceCookies cookies, DeviceSessions devices, SessionCookies active, SessionSwitch device) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/multi-session/revoke", async (Request request, HttpContext context, IMediator mediator, CancellationToken ct) =>
            {
                if (cookies.Read(context, request.SessionToken) is not { } token)
                    return SessionSwitch.InvalidToken.ToHttp();
                var outcome = await mediator.Send(new Command(new SessionToken(token)), ct);
                if (outcome.Refusal is { } refusal)
                    return refusal.ToHttp();
                cookies.Delete(context, token);
                if (LiveSession.Of(context).Token.Text == token)
                    await PutInItsPlace(context, token, ct);
                return WireJson.Ok(new { Status = true });
            })
            .RequireSession()
            .WithName(nameof(RevokeDeviceSession))
            .PartOf(AuthGroup.MultiSession);

        private async Task PutInItsPlace(HttpContext context, string token, CancellationToken ct)
        {
            var next = (await devices.Held(context, ct)).FirstOrDefault(live => live.Token.Text != token);
            if (next is null)
                active.Clear(context);
            else
                device.To(context, next);
        }
    }

    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken ct)
        {
            var found = await store.QueryAsync<Session>("where d.token_hash = ?", ct, command.Token.Hash);
            if (found.Count == 0)
                return Outcome.Done;
            var stream = await store.Events.FetchForWriting<Session>(found[0].Id, ct);
            if (stream.Aggregate?.Revoke("revoked_on_device", clock.GetUtcNow()) is { } revoked)
                stream.AppendOne(revoked);
            return Outcome.Done;
        }
    }
}
