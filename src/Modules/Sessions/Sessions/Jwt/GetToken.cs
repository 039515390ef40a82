using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>A user asks for a token to show to other services: <c>GET /token</c>. Changes nothing, so it has no command.</summary>
internal static class GetToken
{
    internal sealed class Endpoint(SessionJwt jwt) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/token", async (HttpContext context, CancellationToken ct) =>
            {
                context.Response.Headers.CacheControl = "no-store";
                return WireJson.Ok(new { Token = await jwt.Sign(context, LiveSession.Of(context), ct) });
            })
            .RequireSession()
            .WithName(nameof(GetToken))
            .PartOf(AuthGroup.Jwt);
    }
}
