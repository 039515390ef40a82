using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user has a provider's tokens refreshed, due or not: <c>POST /api/auth/refresh-token</c>.</summary>
internal static class RefreshAccessToken
{
    internal sealed record Response(
        string? AccessToken,
        string? RefreshToken,
        DateTimeOffset? AccessTokenExpiresAt,
        DateTimeOffset? RefreshTokenExpiresAt,
        string? Scope,
        string? IdToken,
        string ProviderId,
        string AccountId);

    internal static readonly Refusal NoRefreshToken = Refusal.BadRequest("REFRESH_TOKEN_NOT_FOUND", "Refresh token not found");

    internal static readonly Refusal Failed = Refusal.BadRequest("FAILED_TO_REFRESH_ACCESS_TOKEN", "Failed to refresh access token");

    // No command: no unit of work may be open while a provider is asked.
    internal sealed class Endpoint : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthPost("/refresh-token", async (
                AccountSelection selection, HttpContext context, OwnAccounts accounts, AccountTokens tokens, CancellationToken ct) =>
            {
                if (await SignedInExtensions.Identify(context) is null)
                    return Refusal.Unauthorized().WithoutBody().ToHttp();
                if (await accounts.Find(selection, ct) is not { } account)
                    return OwnAccounts.NotFound.ToHttp();
                if (accounts.ProviderOf(account) is null)
                    return OwnAccounts.NotSupported(account.ProviderId).ToHttp();
                if (tokens.Open(account).RefreshToken is null)
                    return NoRefreshToken.ToHttp();
                var refreshed = await accounts.Refreshed(account, Failed, ct);
                return refreshed.ToHttp(fresh => WireJson.Ok(Shown(fresh, tokens.Open(fresh))));
            })
            .ProducesProblem(StatusCodes.Status401Unauthorized);
    }

    private static Response Shown(Account account, ProviderTokens tokens) => new(
        tokens.AccessToken, tokens.RefreshToken, tokens.AccessTokenExpiresAt, tokens.RefreshTokenExpiresAt, account.Scope, tokens.IdToken,
        account.ProviderId, account.Id);
}
