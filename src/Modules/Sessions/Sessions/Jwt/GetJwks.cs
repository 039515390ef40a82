using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>Anybody asks by which keys tokens of this server are checked: <c>GET /jwks</c>.</summary>
internal static class GetJwks
{
    internal sealed record Key(string Alg, string Crv, string X, string Y, string Kty, string Kid);

    internal sealed class Endpoint(SigningKeys keys) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/jwks", async (HttpContext context, CancellationToken ct) =>
            {
                var published = await keys.Published(ct);
                context.Response.Headers.CacheControl = "public, max-age=300";
                return WireJson.Ok(new { Keys = published.Select(key => new Key("ES256", "P-256", key.X, key.Y, "EC", key.Id)) });
            })
            .WithName(nameof(GetJwks))
            .PartOf(AuthGroup.Jwt);
    }
}
