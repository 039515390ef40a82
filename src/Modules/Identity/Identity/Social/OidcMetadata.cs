using System.Text.Json;

namespace Modular.Identity;

/// <summary>What is peculiar to one OpenID Connect issuer.</summary>
/// <param name="Authority">Its configuration is found below this address.</param>
/// <param name="Issuer">How that configuration has to call itself, to the letter.</param>
/// <param name="TokenIssuers">How its id tokens may.</param>
/// <param name="Subject">The claim that stays the same for a person.</param>
/// <param name="Scopes">What a sign-in needs.</param>
/// <param name="Parameters">Of its own, in authorization requests.</param>
/// <param name="ForeignTenant">A directory whose people are not meant.</param>
internal sealed record OidcDialect(
    string Authority,
    string Issuer,
    IReadOnlyList<string> TokenIssuers,
    string Subject,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<(string Name, string Value)> Parameters,
    string? ForeignTenant = null)
{
    private const string GoogleIssuer = "https://accounts.google.com";
    private const string MicrosoftAuthority = "https://login.microsoftonline.com";

    /// <summary>Each directory is an issuer of its own; where several are meant the configuration has this in its place.</summary>
    public bool IsTemplate => Issuer.Contains("{tenantid}", StringComparison.Ordinal);

    public static OidcDialect Of(string id, ProviderOptions options) => id switch
    {
        // The scopes in the order of the contract's transcripts. Google still writes its issuer in two ways.
        ProvidersOptions.Google => new(
            GoogleIssuer, GoogleIssuer, [GoogleIssuer, "accounts.google.com"], "sub", ["email", "profile", "openid"], [("include_granted_scopes", "true")]),
        ProvidersOptions.Microsoft => Microsoft(options.Tenant),
        _ => new(options.Issuer, options.Issuer, [options.Issuer], "sub", ["openid", "profile", "email"], []),
    };

    private static OidcDialect Microsoft(string tenant)
    {
        var directory = tenant switch { "common" or "organizations" => "{tenantid}", "consumers" => ProvidersOptions.MicrosoftConsumers, _ => tenant };
        var issuer = $"{MicrosoftAuthority}/{directory}/v2.0";

        // "sub" differs from application to application, "oid" does not.
        return new(
            $"{MicrosoftAuthority}/{tenant}/v2.0", issuer, [issuer], "oid", ["openid", "profile", "email", "User.Read", "offline_access"], [],
            tenant == "organizations" ? ProvidersOptions.MicrosoftConsumers : null);
    }
}

/// <summary>Where an issuer has its endpoints: OpenID Connect Discovery 1.0.</summary>
/// <param name="UserInfo">Null: it has none.</param>
/// <param name="EndSession">Where a browser signs out of it (OpenID Connect RP-Initiated Logout 1.0); null: nowhere.</param>
/// <param name="WantsSecretInBody">Whether it takes our secret in the form only.</param>
/// <param name="NamesItself">Whether its answers carry <c>iss</c> (RFC 9207).</param>
internal sealed record OidcMetadata(Uri Authorization, Uri Token, Uri Keys, Uri? UserInfo, Uri? EndSession, bool WantsSecretInBody, bool NamesItself)
{
    public static Uri Address(OidcDialect dialect) => new($"{dialect.Authority.TrimEnd('/')}/.well-known/openid-configuration");

    public static OidcMetadata Read(JsonElement document, OidcDialect dialect, bool isDevelopment)
    {
        // To the letter: whoever answers here for another issuer could pass its tokens off as that issuer's.
        if (document.Text("issuer") is var issuer && issuer != dialect.Issuer)
            throw new ProviderException($"{Address(dialect)} calls its issuer '{issuer}' and not '{dialect.Issuer}'.");
        Uri? At(string name)
        {
            if (document.Text(name) is not { } text)
                return null;
            return Uri.TryCreate(text, UriKind.Absolute, out var url) && ProvidersOptionsValidation.IsSafe(url, isDevelopment)
                ? url
                : throw new ProviderException($"{Address(dialect)}: {name} is not to be trusted with a secret: '{text}'.");
        }

        Uri Required(string name) => At(name) ?? throw new ProviderException($"{Address(dialect)} has no {name}.");
        var methods = document.Texts("token_endpoint_auth_methods_supported");
        return new OidcMetadata(
            Required("authorization_endpoint"), Required("token_endpoint"), Required("jwks_uri"), At("userinfo_endpoint"), At("end_session_endpoint"),
            methods.Contains("client_secret_post") && !methods.Contains("client_secret_basic"),
            document.IsTrue("authorization_response_iss_parameter_supported"));
    }
}
