using System.Text.Json;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Puts a provider's tokens into an account and takes them out again. At rest they are sealed, each for its row and
/// column: a copy of the database calls no provider in anybody's name.
/// </summary>
internal sealed class AccountTokens(SecretBox secrets)
{
    private const string Access = "access_token";
    private const string Refresh = "refresh_token";
    private const string Id = "id_token";

    /// <summary>The account with what is given; what a provider does not give again stays as it was.</summary>
    public Account Keep(Account account, ProviderTokens tokens, DateTimeOffset now) => account with
    {
        AccessToken = Seal(account, Access, tokens.AccessToken) ?? account.AccessToken,
        AccessTokenExpiresAt = tokens.AccessToken is null ? account.AccessTokenExpiresAt : tokens.AccessTokenExpiresAt,
        RefreshToken = Seal(account, Refresh, tokens.RefreshToken) ?? account.RefreshToken,
        RefreshTokenExpiresAt = tokens.RefreshTokenExpiresAt ?? (tokens.RefreshToken is null ? account.RefreshTokenExpiresAt : null),
        IdToken = Seal(account, Id, tokens.IdToken) ?? account.IdToken,
        UpdatedAt = now,
    };

    /// <summary>
    /// Stages the same for a sign-in, whatever the account is by then: several sign-ins at once must not fail each other, and
    /// none of them may put back a refresh token that has been used meanwhile. No new grant, so the scopes stay.
    /// </summary>
    public void Renew(IDocumentOperations store, Account account, ProviderTokens tokens, DateTimeOffset now)
    {
        var changes = new Dictionary<string, object?> { ["updatedAt"] = now };
        if (tokens.AccessToken is not null)
            (changes["accessToken"], changes["accessTokenExpiresAt"]) = (Seal(account, Access, tokens.AccessToken), tokens.AccessTokenExpiresAt);
        if (tokens.RefreshToken is not null)
            (changes["refreshToken"], changes["refreshTokenExpiresAt"]) = (Seal(account, Refresh, tokens.RefreshToken), tokens.RefreshTokenExpiresAt);
        if (tokens.IdToken is not null)
            changes["idToken"] = Seal(account, Id, tokens.IdToken);
        store.QueueSqlCommand(
            1,
            "update identity.mt_doc_account set mt_version = mt_version + 1, mt_last_modified = ?, data = data || ?::jsonb where id = ?",
            now, JsonSerializer.Serialize(changes, StoreJson.Options), account.Id);
    }

    /// <summary>The same, of a new grant: its scopes join those granted before.</summary>
    public Account Grant(Account account, ProviderTokens tokens, DateTimeOffset now)
    {
        var scopes = account.Scopes().Union(tokens.Scopes ?? []).ToList();
        return Keep(account, tokens, now) with { Scope = scopes.Count == 0 ? null : string.Join(',', scopes) };
    }

    /// <summary>What is stored; a token that does not open (another secret) is as good as none.</summary>
    public ProviderTokens Open(Account account) => new(
        Open(account, Access, account.AccessToken),
        Open(account, Refresh, account.RefreshToken),
        Open(account, Id, account.IdToken),
        account.AccessTokenExpiresAt,
        account.RefreshTokenExpiresAt,
        account.Scopes());

    private string? Seal(Account account, string column, string? token) => token is null ? null : secrets.Seal(token, Context(account, column));

    private string? Open(Account account, string column, string? stored) => stored is null ? null : secrets.Open(stored, Context(account, column));

    private static string Context(Account account, string column) => $"account/{account.Id}/{column}";
}
