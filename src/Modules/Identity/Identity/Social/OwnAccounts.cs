using System.Text.Json;
using Microsoft.Extensions.Logging;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Which account a client means; the three routes that take it are strict (contract §1).</summary>
/// <param name="AccountId">The account's own id; null: the one of a cookie, which servers with a database do not set.</param>
internal sealed record AccountSelection(string? AccountId) : IWireInput<AccountSelection>
{
    public static AccountSelection Read(WireBody body)
    {
        var (id, cookie) = (body.Member("accountId"), body.Member("useAccountCookie"));
        var others = body.Root.ValueKind == JsonValueKind.Object
            && body.Root.EnumerateObject().Any(member => member.Name is not ("accountId" or "useAccountCookie" or "userId"));
        var isId = id?.ValueKind == JsonValueKind.String && cookie is null;
        var isCookie = cookie?.ValueKind == JsonValueKind.True && id is null;
        var isUser = body.Member("userId") is null or { ValueKind: JsonValueKind.String };
        if (others || !isUser || !(isId || isCookie))
            body.Fail("", "Invalid input");
        return new AccountSelection(isId ? body.RequiredString("accountId") : null);
    }
}

/// <summary>The accounts of whoever is signed in, and tokens of theirs that work.</summary>
internal sealed partial class OwnAccounts(
    IDocumentSession store, Providers providers, TokenRefresh refresh, AccountTokens tokens, Caller caller, TimeProvider clock,
    ILogger<OwnAccounts> log)
{
    public static readonly Refusal NotFound = Refusal.BadRequest("ACCOUNT_NOT_FOUND", "Account not found");

    public static readonly Refusal NoToken = Refusal.BadRequest("FAILED_TO_GET_ACCESS_TOKEN", "Failed to get a valid access token");

    /// <summary>A token that ends sooner than this is as good as over: it has to reach the provider first.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    public static Refusal NotSupported(string providerId) =>
        Refusal.BadRequest("PROVIDER_NOT_SUPPORTED", $"Provider {providerId} is not supported.");

    /// <summary>Somebody else's is as unknown as none.</summary>
    public async Task<Account?> Find(AccountSelection selection, CancellationToken ct) =>
        selection.AccountId is { } id && await store.LoadAsync<Account>(id, ct) is { } account && account.UserId == caller.UserId ? account : null;

    /// <summary>
    /// The provider of an account; null for a password, for one that is not configured any more, and for what an Auth.js
    /// application has linked: a provider of the same name knows it by another client's tokens.
    /// </summary>
    public IProvider? ProviderOf(Account account) => account.AuthJs is null ? providers.Find(account.ProviderId) : null;

    /// <summary>Tokens whose access token is good for some seconds at least, refreshed where they have to be.</summary>
    public async Task<Outcome<ProviderTokens>> Valid(Account account, CancellationToken ct)
    {
        var stored = tokens.Open(account);
        var isOver = stored.AccessTokenExpiresAt - clock.GetUtcNow() < Soon;
        if (!isOver || stored.RefreshToken is null)
            return stored;
        var refreshed = await Refreshed(account, NoToken, ct);
        return refreshed.Refusal is { } refusal ? refusal : tokens.Open(refreshed.Answer);
    }

    /// <summary>The account with new tokens.</summary>
    public async Task<Outcome<Account>> Refreshed(Account account, Refusal failed, CancellationToken ct)
    {
        try
        {
            return await refresh.Refresh(account, caller, ct) is { } refreshed ? refreshed : NotFound;
        }
        catch (ProviderException failure)
        {
            NotRefreshed(log, account.Id, failure.Message);
            return failed;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No new tokens for account {AccountId}: {Why}")]
    private static partial void NotRefreshed(ILogger log, string accountId, string why);
}
