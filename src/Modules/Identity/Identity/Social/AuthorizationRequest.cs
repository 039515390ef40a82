using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Modular.Identity;

/// <summary>What a browser is sent to a provider with.</summary>
/// <param name="State">Comes back with the answer.</param>
/// <param name="Verifier">Of PKCE (RFC 7636); only its hash is sent.</param>
/// <param name="Nonce">Comes back in the id token.</param>
/// <param name="RedirectUri">Where the answer goes.</param>
/// <param name="Scopes">Beside those that the provider needs and those configured.</param>
/// <param name="LoginHint">Whom to ask for.</param>
/// <param name="Parameters">Of the client's own.</param>
internal sealed record AuthorizationRequest(
    string State,
    string Verifier,
    string Nonce,
    string RedirectUri,
    IReadOnlyList<string> Scopes,
    string? LoginHint,
    IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>Neither a client nor the configuration may set these (contract §6.3).</summary>
    public static readonly IReadOnlyList<string> Reserved =
        ["state", "client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "nonce", "scope"];

    /// <summary>The address, its parameters in the order of the contract's transcripts.</summary>
    /// <param name="endpoint">The provider's.</param>
    /// <param name="options">Ours.</param>
    /// <param name="needed">Scopes without which a sign-in is none.</param>
    /// <param name="withNonce">Whether there will be an id token.</param>
    /// <param name="own">Parameters of the provider's own kind.</param>
    public string Address(
        Uri endpoint, ProviderOptions options, IReadOnlyList<string> needed, bool withNonce, params IReadOnlyList<(string Name, string Value)> own)
    {
        List<(string Name, string? Value)> parameters =
        [
            ("response_type", "code"),
            ("client_id", options.ClientId),
            ("state", State),
            ("scope", string.Join(' ', needed.Concat(options.Scopes).Concat(Scopes).Distinct())),
            ("redirect_uri", RedirectUri),
            ("login_hint", string.IsNullOrEmpty(LoginHint) ? null : LoginHint),
            ("nonce", withNonce ? Nonce : null),
            ("code_challenge_method", "S256"),
            ("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)))),
        ];
        var more = own.Concat(options.AuthorizationParameters.Select(pair => (pair.Key, pair.Value))).Concat(Parameters.Select(pair => (pair.Key, pair.Value)))
            .GroupBy(pair => pair.Item1).Select(same => (same.Key, (string?)same.Last().Item2));
        return QueryText.Append(endpoint.AbsoluteUri, parameters.Concat(more));
    }
}

/// <summary>Query parameters as <c>URLSearchParams</c> writes them.</summary>
internal static class QueryText
{
    /// <summary>The URL with these parameters behind those it has, before its fragment; those without a value are left out.</summary>
    public static string Append(string url, params IEnumerable<(string Name, string? Value)> parameters)
    {
        var text = string.Join('&', parameters.Where(pair => pair.Value is not null).Select(pair => $"{Encode(pair.Name)}={Encode(pair.Value!)}"));
        var hash = url.IndexOf('#', StringComparison.Ordinal);
        var (address, fragment) = hash < 0 ? (url, "") : (url[..hash], url[hash..]);
        return text.Length == 0 ? url : $"{address}{(address.Contains('?') ? '&' : '?')}{text}{fragment}";
    }

    private static string Encode(string text) => Uri.EscapeDataString(text)
        .Replace("%20", "+", StringComparison.Ordinal)
        .Replace("%2A", "*", StringComparison.Ordinal)
        .Replace("~", "%7E", StringComparison.Ordinal);
}
