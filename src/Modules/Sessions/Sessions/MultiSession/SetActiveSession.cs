using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// A browser goes on as another of the users it is signed in as: <c>POST /multi-session/set-active</c>. Changes nothing but
/// its own cookie, so it has no command.
/// </summary>
internal static class SetActiveSession
{
    internal sealed record Request(string SessionToken) : IWireInput<Request>
    {
        public static Request Read(WireBody body) => new(body.RequiredString("sessionToken"));
    }

    internal sealed class Endpoint(DeviceCookies devices, ActiveSessions sessions, SessionSwitch device) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/multi-session/set-active", async (Request request, HttpContext context, CancellationToken ct) =>
            {
                if (devices.Read(context, request.SessionToken) is not { } token)
                    return SessionSwitch.InvalidToken.ToHttp();
                if (await sessions.FindLive(new SessionToken(token), ct) is not { } live)
                {
                    devices.Delete(context, token);
                    return SessionSwitch.InvalidToken.ToHttp();
                }

                device.To(context, live);
                return WireJson.Ok(SessionAnswer.Of(live));
            })
            .WithName(nameof(SetActiveSession))
            .PartOf(AuthGroup.MultiSession);
    }
}
