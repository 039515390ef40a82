using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// An Auth.js application reads the passkeys of a user, wherever they were made: <c>POST /api/adapter/list-authenticators</c>.
/// </summary>
internal static class ListAuthenticators
{
    internal sealed record Request(string? UserId);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/list-authenticators", async (Request request, PasskeyStore passkeys, CancellationToken ct) =>
            {
                var all = request.UserId is { } id && AdapterRoutes.IsStorable(id) ? await passkeys.OfUser(id, ct) : [];
                return AdapterRoutes.Answer(all.Select(AuthJsAuthenticator.Of).ToList());
            })
            .WithName(nameof(ListAuthenticators));
    }
}
