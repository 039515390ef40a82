using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>A user sees what a provider says of them today: <c>GET /api/auth/account-info</c>.</summary>
internal static class ReadAccountInfo
{
    internal sealed record Person(
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Name,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Email,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Image,
        bool EmailVerified);

    internal sealed record AccountKey(string Id, string ProviderId, string Issuer, string AccountId);

    internal sealed record Response(Person User, JsonElement Data, AccountKey Account);

    internal static readonly Refusal NotConfigured =
        Refusal.BadRequest("PROVIDER_NOT_CONFIGURED", "Account is not associated with a configured social provider.");

    internal static readonly Refusal NoAccessToken = Refusal.BadRequest("ACCESS_TOKEN_NOT_FOUND", "Access token not found");

    internal static readonly Refusal NoUserInfo = Refusal.Unauthorized("FAILED_TO_GET_USER_INFO", "Failed to get user info");

    // No command: no unit of work may be open while a provider is asked.
    internal sealed class Endpoint(ILogger<Endpoint> log) : ICarterModule
    {
        public void AddRoutes(IEndpointRouteBuilder app) => app
            .MapAuthGet("/account-info", async (
                AccountSelection selection, HttpContext context, OwnAccounts accounts, CancellationToken ct) =>
            {
                if (await SignedInExtensions.Identify(context) is null)
                    return Refusal.Unauthorized().WithoutBody().ToHttp();
                if (await accounts.Find(selection, ct) is not { } account)
                    return OwnAccounts.NotFound.ToHttp();
                if (accounts.ProviderOf(account) is not { } provider)
                    return NotConfigured.ToHttp();
                var tokens = await accounts.Valid(account, ct);
                return tokens.Refusal is { } refusal ? refusal.ToHttp() : await Ask(provider, account, tokens.Answer, ct);
            })
            .ProducesProblem(StatusCodes.Status401Unauthorized);

        private async Task<IResult> Ask(IProvider provider, Account account, ProviderTokens tokens, CancellationToken ct)
        {
            if (tokens.AccessToken is null)
                return NoAccessToken.ToHttp();
            try
            {
                var user = await provider.Describe(account, tokens, ct);
                return WireJson.Ok(new Response(
                    new Person(user.Name, user.Email, user.Image, user.EmailVerified), user.Data,
                    new AccountKey(account.Id, account.ProviderId, account.Issuer, account.AccountId)));
            }
            catch (ProviderException failure)
            {
                log.LogWarning("No user info for account {AccountId}: {Why}", account.Id, failure.Message);
                return NoUserInfo.ToHttp();
            }
        }
    }
}
