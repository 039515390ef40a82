using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>An Auth.js application looks for whoever has an account elsewhere: <c>POST /api/adapter/get-user-by-account</c>.</summary>
internal static class GetAdapterUserByAccount
{
    internal sealed record Request(string? Provider, string? ProviderAccountId);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/get-user-by-account", async (Request request, AdapterUsers users, CancellationToken ct) =>
            {
                var account = await users.FindAccount(request.Provider, request.ProviderAccountId, ct);
                return AdapterRoutes.Answer(await users.Find(account?.UserId, ct) is { } user ? AuthJsUser.Of(user.ToPrincipal()) : null);
            })
            .WithName(nameof(GetAdapterUserByAccount));
    }
}
