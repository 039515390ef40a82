using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>An Auth.js application reads a passkey: <c>POST /api/adapter/get-authenticator</c>.</summary>
internal static class GetAuthenticator
{
    internal sealed record Request(string? CredentialID);

    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAdapter("/get-authenticator", async (Request request, PasskeyStore passkeys, CancellationToken ct) =>
                AdapterRoutes.Answer(
                    AuthJsAuthenticator.KeyOf(request.CredentialID) is { } key && await passkeys.Find(key, ct) is { } passkey
                        ? AuthJsAuthenticator.Of(passkey)
                        : null))
            .WithName(nameof(GetAuthenticator));
    }
}
