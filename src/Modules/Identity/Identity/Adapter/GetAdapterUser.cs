using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>An Auth.js application reads a user by id: <c>POST /api/adapter/get-user</c>.</summary>
internal static class GetAdapterUser
{
    internal sealed record Request(string? Id);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/get-user", async (Request request, AdapterUsers users, CancellationToken ct) =>
                AdapterRoutes.Answer(await users.Find(request.Id, ct) is { } user ? AuthJsUser.Of(user.ToPrincipal()) : null))
            .WithName(nameof(GetAdapterUser));
    }
}
