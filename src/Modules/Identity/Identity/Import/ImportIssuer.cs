using System.Buffers.Text;
using System.Text.Json;

namespace Modular.Identity;

/// <summary>
/// Under which issuer a provider's account is looked for when its owner signs in here (contract §8): other systems keep the
/// provider's id alone.
/// </summary>
internal static class ImportIssuer
{
    public static string Of(string providerId, string? idToken, ProvidersOptions providers)
    {
        if (providerId == ProvidersOptions.Google)
            return "https://accounts.google.com";
        if (providers.All.GetValueOrDefault(providerId) is { Issuer.Length: > 0 } configured)
            return providerId == ProvidersOptions.GitHub ? new Uri(configured.Issuer.TrimEnd('/')).AbsoluteUri : configured.Issuer;
        return providerId != ProvidersOptions.GitHub && IssuerOf(idToken) is { } said ? said : $"local:oauth:{providerId}";
    }

    // Not verified: it only says where to look for the account, which signing in has to prove.
    private static string? IssuerOf(string? idToken)
    {
        if (idToken?.Split('.') is not [_, { } payload, _])
            return null;
        try
        {
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(payload));
            return JsonMembers.Text(claims.RootElement, "iss") is { Length: > 0 and <= 500 } issuer ? issuer : null;
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }
}
