using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Modular.Identity;

/// <summary>What an id token has to say to be believed.</summary>
/// <param name="Issuers">One of these, to the letter; <c>{tenantid}</c> stands for the token's own directory (Microsoft).</param>
/// <param name="Audiences">Our client ids; the first is the one we ask with.</param>
/// <param name="Nonce">The one we asked with; null: the client brought the token and named none.</param>
/// <param name="AccessToken">The one that came with it; null: none.</param>
/// <param name="LongestAge">How long ago it may have been issued; null: until it expires.</param>
internal sealed record IdTokenExpectation(
    IReadOnlyList<string> Issuers,
    IReadOnlyList<string> Audiences,
    string? Nonce = null,
    string? AccessToken = null,
    TimeSpan? LongestAge = null);

/// <summary>What came of checking an id token.</summary>
/// <param name="Claims">Of a token that is good.</param>
/// <param name="Flaw">The first thing that is wrong; null: nothing.</param>
internal readonly record struct IdTokenCheck(JsonElement Claims, string? Flaw)
{
    /// <summary>The only flaw that newer keys can heal.</summary>
    public const string UnknownKey = "unknown_key";
}

/// <summary>Checks id tokens: OpenID Connect Core 3.1.3.7 and RFC 8725.</summary>
internal static class IdToken
{
    /// <summary>How far two clocks may be apart.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    private const int Longest = 32 * 1024;

    /// <summary>So that a set without key ids costs a bounded number of tries.</summary>
    private const int MostKeysTried = 16;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    public static IdTokenCheck Check(string token, IReadOnlyList<ProviderKey> keys, IdTokenExpectation expected, DateTimeOffset now)
    {
        var parts = token.Length <= Longest ? token.Split('.') : [];
        if (parts.Length != 3 || Decode(parts[0]) is not { } header || Decode(parts[1]) is not { } body || Decode(parts[2]) is not { } signature
            || Parse(header) is not { } protection || Parse(body) is not { } claims)
            return Wrong("malformed");
        if (FlawOfSignature(protection, $"{parts[0]}.{parts[1]}", signature, keys) is { } forged)
            return Wrong(forged);
        return FlawOfClaims(claims, protection.Text("alg")!, expected, now) is { } flaw ? Wrong(flaw) : new IdTokenCheck(claims, null);
    }

    /// <summary>The claims of a token that was checked when it was stored; null when it is none.</summary>
    public static JsonElement? ReadStored(string? token) =>
        token?.Split('.') is [_, var body, _] && Decode(body) is { } bytes ? Parse(bytes) : null;

    private static string? FlawOfSignature(JsonElement header, string signed, byte[] signature, IReadOnlyList<ProviderKey> keys)
    {
        var algorithm = header.Text("alg");
        if (!ProviderKey.IsKnown(algorithm))
            return "algorithm";

        // An extension that we do not understand must be understood (RFC 7515 4.1.11); a token of another kind is no id token.
        if (header.TryGetProperty("crit", out _) || header.Text("typ")?.Equals("JWT", StringComparison.OrdinalIgnoreCase) == false)
            return "malformed";
        var id = header.Text("kid");
        var fitting = keys.Where(key => id is null || key.Id == id).Where(key => key.Fits(algorithm!)).Take(MostKeysTried).ToList();
        if (fitting.Count == 0)
            return IdTokenCheck.UnknownKey;
        var data = Encoding.ASCII.GetBytes(signed);
        return fitting.Any(key => key.Verifies(algorithm!, data, signature)) ? null : "signature";
    }

    private static string? FlawOfClaims(JsonElement claims, string algorithm, IdTokenExpectation expected, DateTimeOffset now)
    {
        var (expires, issued, begins) = (claims.Seconds("exp"), claims.Seconds("iat"), claims.Seconds("nbf"));
        var seconds = now.ToUnixTimeMilliseconds() / 1000d;
        var skew = Skew.TotalSeconds;
        return claims switch
        {
            _ when !expected.Issuers.Any(issuer => IsIssuer(issuer, claims)) => "issuer",
            _ when FlawOfAudience(claims, expected.Audiences) is { } flaw => flaw,
            _ when claims.Text("sub") is not { Length: <= 255 } => "subject",
            _ when expires is null || expires + skew <= seconds => "expired",
            _ when claims.TryGetProperty("nbf", out _) && !(begins - skew <= seconds) => "not_yet_valid",
            _ when !(issued - skew <= seconds) => "issued_in_future",
            _ when issued + expected.LongestAge?.TotalSeconds + skew < seconds => "too_old",
            _ when expected.Nonce is { } nonce && !AreEqual(claims.Text("nonce"), nonce) => "nonce",
            _ when !FitsAccessToken(claims, algorithm, expected.AccessToken) => "access_token_hash",
            _ => null,
        };
    }

    private static bool IsIssuer(string expected, JsonElement claims)
    {
        var issuer = claims.Text("iss");
        if (!expected.Contains("{tenantid}", StringComparison.Ordinal))
            return issuer == expected;
        return claims.Text("tid") is { } tenant && Guid.TryParseExact(tenant, "D", out _)
            && issuer == expected.Replace("{tenantid}", tenant, StringComparison.Ordinal);
    }

    private static string? FlawOfAudience(JsonElement claims, IReadOnlyList<string> ours)
    {
        var audience = claims.Texts("aud");
        if (!audience.Intersect(ours).Any())
            return "audience";

        // Whoever is named beside us could have been given the token; then, and whenever it is there, azp must be us.
        var party = claims.Text("azp");
        return (party is null && audience.Count > 1) || (party is not null && !ours.Contains(party)) ? "authorized_party" : null;
    }

    private static bool FitsAccessToken(JsonElement claims, string algorithm, string? accessToken)
    {
        if (accessToken is null || !claims.TryGetProperty("at_hash", out _))
            return true;
        var hash = CryptographicOperations.HashData(ProviderKey.HashOf(algorithm), Encoding.ASCII.GetBytes(accessToken));
        return AreEqual(claims.Text("at_hash"), Base64Url.EncodeToString(hash.AsSpan(0, hash.Length / 2)));
    }

    private static bool AreEqual(string? given, string expected) =>
        given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(expected));

    private static IdTokenCheck Wrong(string flaw) => new(default, flaw);

    // Only the alphabet itself: the decoder would overlook white space and padding, which no token has.
    private static byte[]? Decode(string part) =>
        part.Length > 0 && part.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_') && Base64Url.IsValid(part)
            ? Base64Url.DecodeFromChars(part)
            : null;

    private static JsonElement? Parse(byte[] json)
    {
        try
        {
            return JsonElement.Parse(json, Strict) is { ValueKind: JsonValueKind.Object } element ? element : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
