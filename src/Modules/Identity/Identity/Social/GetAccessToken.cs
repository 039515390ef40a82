using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// A user gets a token to call a provider with: <c>POST /api/auth/get-access-token</c>. Refreshed when it is about to end.
/// </summary>
internal static class GetAccessToken
{
    internal sealed record Response(
        string AccessToken,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? AccessTokenExpiresAt,
        IReadOnlyList<string> Scopes,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? IdToken);

    // No command: no unit of work may be open while a provider is asked.
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/get-access-token", async (
                AccountSelection selection, HttpContext context, OwnAccounts accounts, CancellationToken ct) =>
            {
                if (await SignedInExtensions.Identify(context) is null)
                    return Refusal.Unauthorized().WithoutBody().ToHttp();
                if (await accounts.Find(selection, ct) is not { } account)
                    return OwnAccounts.NotFound.ToHttp();
                if (accounts.ProviderOf(account) is null)
                    return OwnAccounts.NotSupported(account.ProviderId).ToHttp();
                var tokens = await accounts.Valid(account, ct);
                return tokens.ToHttp(valid => valid.AccessToken is { } token
                    ? WireJson.Ok(new Response(token, valid.AccessTokenExpiresAt, account.Scopes(), valid.IdToken))
                    : OwnAccounts.NoToken.ToHttp());
            })
            .ProducesProblem(StatusCodes.Status401Unauthorized);
    }
}
