using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application reads an account it has linked, tokens and all: <c>POST /api/adapter/get-account</c>.
/// </summary>
internal static class GetAdapterAccount
{
    internal sealed record Request(string? Provider, string? ProviderAccountId);

    internal sealed class Endpoint(AccountTokens tokens) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/get-account", async (Request request, AdapterUsers users, CancellationToken ct) =>
                AdapterRoutes.Answer(
                    await users.FindAccount(request.Provider, request.ProviderAccountId, ct) is { } account
                        ? AuthJsAccount.Of(account, tokens.Open(account))
                        : null))
            .WithName(nameof(GetAdapterAccount));
    }
}
