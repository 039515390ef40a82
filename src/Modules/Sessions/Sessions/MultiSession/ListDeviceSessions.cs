using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>
/// A browser asks as whom it is signed in: <c>GET /multi-session/list-device-sessions</c>. It holds the cookies, so it is
/// shown their tokens; nobody need be signed in.
/// </summary>
internal static class ListDeviceSessions
{
    internal sealed class Endpoint(DeviceSessions devices) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/multi-session/list-device-sessions", async (HttpContext context, CancellationToken ct) =>
                WireJson.Ok(Shown(await devices.Held(context, ct))))
            .WithName(nameof(ListDeviceSessions))
            .PartOf(AuthGroup.MultiSession);
    }

    /// <summary>One session of each user.</summary>
    internal static IReadOnlyList<SessionAnswer> Shown(IReadOnlyList<LiveSession> held) =>
        [.. held.DistinctBy(live => live.User.Id).Select(SessionAnswer.Of)];
}
