using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A client asks whether the auth surface is there: <c>GET /api/auth/ok</c>.</summary>
internal static class Ok
{
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app.MapAuthGet("/ok", () => WireJson.Ok(new { Ok = true }));
    }
}
