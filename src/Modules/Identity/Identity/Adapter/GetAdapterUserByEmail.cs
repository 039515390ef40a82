using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application looks for whoever has an address: <c>POST /api/adapter/get-user-by-email</c>. In whichever case it is
/// written, since addresses are kept in lower case; whom a broken-off sign-in has left behind is nobody.
/// </summary>
internal static class GetAdapterUserByEmail
{
    internal sealed record Request(string? Email);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/get-user-by-email", async (Request request, AdapterUsers users, Orphans orphans, CancellationToken ct) =>
                AdapterRoutes.Answer(
                    await users.FindByEmail(request.Email, ct) is { } user && !await orphans.IsOne(user, ct)
                        ? AuthJsUser.Of(user.ToPrincipal())
                        : null))
            .WithName(nameof(GetAdapterUserByEmail));
    }
}
