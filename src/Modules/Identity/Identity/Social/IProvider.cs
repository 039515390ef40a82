using System.Text.Json;

namespace Modular.Identity;

/// <summary>What a provider gave for a code or a refresh token.</summary>
/// <param name="AccessToken">Null only where a client brought an id token alone.</param>
/// <param name="Scopes">What was granted, where the provider says so.</param>
internal sealed record ProviderTokens(
    string? AccessToken,
    string? RefreshToken = null,
    string? IdToken = null,
    DateTimeOffset? AccessTokenExpiresAt = null,
    DateTimeOffset? RefreshTokenExpiresAt = null,
    IReadOnlyList<string>? Scopes = null)
{
    /// <summary>A token endpoint's answer (RFC 6749 5.1).</summary>
    public static ProviderTokens Read(JsonElement answer, DateTimeOffset now)
    {
        // GitHub says 200 and means no.
        if (answer.Text("access_token") is not { } accessToken)
            throw new ProviderException($"The token endpoint gave no access token: {answer.Text("error") ?? "no reason given"}.");
        return new ProviderTokens(
            accessToken,
            answer.Text("refresh_token"),
            answer.Text("id_token"),
            At(answer.Seconds("expires_in"), now),
            // Keycloak has a name of its own for it, where 0 means never.
            At(answer.Seconds("refresh_token_expires_in") ?? answer.Seconds("refresh_expires_in"), now),
            [.. answer.Texts("scope").SelectMany(text => text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries)).Distinct()]);
    }

    // A day is as good as never for what has no bound of its own; ten thousand years do not fit into a date.
    private static DateTimeOffset? At(double? seconds, DateTimeOffset now) =>
        seconds is > 0 and < 100d * 365 * 86_400 ? now.AddSeconds(seconds.Value) : null;
}

/// <summary>Somebody as a provider knows them.</summary>
/// <param name="Issuer">With <paramref name="Subject"/> the key of the account (contract §8).</param>
/// <param name="Email">In lower case; null: none, or none that we could write to.</param>
/// <param name="EmailVerified">Whether the provider says that the address is theirs.</param>
/// <param name="Data">All that the provider says.</param>
internal sealed record ProviderUser(
    string Issuer, string Subject, string? Email, bool EmailVerified, string? Name, string? Image, JsonElement Data);

/// <summary>Somebody else whose word on who people are we take. Its methods talk to it.</summary>
/// <exception cref="ProviderException">It does not answer, or not as it should.</exception>
internal interface IProvider
{
    string Id { get; }

    ProviderOptions Options { get; }

    /// <summary>Whether a client may bring an id token that it got by itself.</summary>
    bool TakesIdTokens { get; }

    /// <summary>What makes the addresses to send browsers to.</summary>
    Task<Func<AuthorizationRequest, string>> Entrance(CancellationToken ct);

    /// <summary>Where a browser signs out of the provider itself; null: it has no such place.</summary>
    Task<Uri?> EndSession(CancellationToken ct);

    /// <summary>Whether an answer that names this issuer (RFC 9207), or none, can be the provider's.</summary>
    Task<bool> IsFrom(string? issuer, CancellationToken ct);

    Task<ProviderTokens> Exchange(string code, string verifier, string redirectUri, CancellationToken ct);

    /// <summary>New tokens for old ones. An id token among them that is not to be believed is left out, the others are kept.</summary>
    Task<ProviderTokens> Refresh(Account account, string refreshToken, CancellationToken ct);

    /// <summary>Who it is.</summary>
    /// <param name="nonce">The one of the request; null: the client brought the token and named none.</param>
    /// <param name="longestAge">How long ago the id token may have been issued.</param>
    Task<ProviderUser> Identify(ProviderTokens tokens, string? nonce, TimeSpan? longestAge, CancellationToken ct);

    /// <summary>What the provider says of an account today.</summary>
    /// <param name="tokens">With the id token as it was stored.</param>
    Task<ProviderUser> Describe(Account account, ProviderTokens tokens, CancellationToken ct);
}
