using System.Text.Json.Serialization;

namespace Modular.Identity;

/// <summary>What Auth.js keeps with an account beside what every account of ours has; as it was given.</summary>
/// <param name="Type"><c>oauth</c>, <c>oidc</c>, <c>email</c>, <c>webauthn</c>.</param>
/// <param name="ExpiresAt">When the access token ends, in whole seconds since 1970.</param>
/// <param name="Scope">With blanks, as OAuth has it.</param>
internal sealed record AuthJsGrant(string Type, long? ExpiresAt, string? TokenType, string? Scope, string? SessionState);

/// <summary>An account as Auth.js has it: its own names, and only what there is.</summary>
internal sealed record AuthJsAccount(string UserId, string Type, string Provider, string ProviderAccountId)
{
    /// <summary>Beside the issuers of our own providers: an application's configuration says who is behind a name, and not ours.</summary>
    private const string IssuerPrefix = "authjs:";

    [JsonPropertyName("refresh_token"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RefreshToken { get; init; }

    [JsonPropertyName("access_token"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AccessToken { get; init; }

    [JsonPropertyName("expires_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ExpiresAt { get; init; }

    [JsonPropertyName("token_type"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TokenType { get; init; }

    [JsonPropertyName("scope"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Scope { get; init; }

    [JsonPropertyName("id_token"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IdToken { get; init; }

    [JsonPropertyName("session_state"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SessionState { get; init; }

    public static string IssuerOf(string provider) => IssuerPrefix + provider;

    public static AuthJsAccount Of(Account account, ProviderTokens tokens) => new(account.UserId, account.AuthJs!.Type, account.ProviderId, account.AccountId)
    {
        RefreshToken = tokens.RefreshToken,
        AccessToken = tokens.AccessToken,
        ExpiresAt = account.AuthJs.ExpiresAt,
        TokenType = account.AuthJs.TokenType,
        Scope = account.AuthJs.Scope,
        IdToken = tokens.IdToken,
        SessionState = account.AuthJs.SessionState,
    };

    /// <summary>As we keep it; its tokens are sealed by <see cref="AccountTokens"/>.</summary>
    public Account ToAccount(AccountTokens tokens, string id, DateTimeOffset now)
    {
        var account = new Account(id, UserId, Provider, IssuerOf(Provider), ProviderAccountId, null, now, now)
        {
            AuthJs = new AuthJsGrant(Type, ExpiresAt, TokenType, Scope, SessionState),
        };
        var scopes = Scope?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
        return tokens.Grant(account, new ProviderTokens(AccessToken, RefreshToken, IdToken, EndOf(ExpiresAt), Scopes: scopes), now);
    }

    /// <summary>What of it can be stored.</summary>
    public IEnumerable<string?> Texts() =>
        [UserId, Type, Provider, ProviderAccountId, RefreshToken, AccessToken, TokenType, Scope, IdToken, SessionState];

    // Any whole number is kept as it is; as a time only what is one.
    private static DateTimeOffset? EndOf(long? seconds) =>
        seconds is >= 0 and <= 253_402_300_799 ? DateTimeOffset.FromUnixTimeSeconds(seconds.Value) : null;
}
