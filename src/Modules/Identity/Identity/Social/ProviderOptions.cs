using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>
/// One provider that people may sign in with: <c>Auth:Providers:{id}</c>. <c>github</c>, <c>google</c>, <c>microsoft</c> and
/// <c>keycloak</c> know their own ways; any other id is an OpenID Connect issuer. See docs/social-sign-in.md.
/// </summary>
internal sealed class ProviderOptions
{
    public string ClientId { get; set; } = "";

    /// <summary>Empty: a public client, which PKCE alone protects.</summary>
    public string ClientSecret { get; set; } = "";

    /// <summary>The issuer as it names itself, to the letter. Of <c>github</c> the address of an Enterprise Server.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>Of <c>microsoft</c>: <c>common</c>, <c>organizations</c>, <c>consumers</c>, or a directory's id.</summary>
    public string Tenant { get; set; } = "common";

    /// <summary>Asked for beside those that a sign-in needs.</summary>
    public IList<string> Scopes { get; set; } = [];

    /// <summary>Other client ids whose id tokens a client may bring itself: the apps of one project.</summary>
    public IList<string> Audiences { get; set; } = [];

    /// <summary>More parameters of the authorization request, e.g. <c>access_type=offline</c>.</summary>
    public IDictionary<string, string> AuthorizationParameters { get; set; } = new Dictionary<string, string>();

    /// <summary>Its word on an address is taken even where it does not call the address verified.</summary>
    public bool Trusted { get; set; }

    /// <summary>Whether somebody unknown is registered by signing in; else only when the client asks for it.</summary>
    public bool ImplicitSignUp { get; set; } = true;

    /// <summary>Whether signing in links to the user who has the same verified address.</summary>
    public bool ImplicitLinking { get; set; } = true;

    /// <summary>Signing out here leads the browser to the provider's own sign-out, where it has one.</summary>
    public bool SignOut { get; set; }

    /// <summary>Whether a signed-in user may link an account that has another address.</summary>
    public bool LinkDifferentEmails { get; set; }
}

/// <summary>Every provider by its id.</summary>
internal sealed partial class ProvidersOptions
{
    public const string GitHub = "github";
    public const string Google = "google";
    public const string Microsoft = "microsoft";
    public const string Keycloak = "keycloak";

    /// <summary>The directory of personal Microsoft accounts; it is the issuer of every one of them.</summary>
    public const string MicrosoftConsumers = "9188040d-6c67-4c5b-b112-36a304b66dad";

    public Dictionary<string, ProviderOptions> All { get; } = new(StringComparer.Ordinal);

    public void Read(IConfiguration configuration)
    {
        var providers = configuration.GetSection("Auth:Providers");
        try
        {
            foreach (var provider in providers.GetChildren())
                All[provider.Key] = provider.Get<ProviderOptions>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException wrong)
        {
            // The binder names what it does not know or cannot read; which provider it was is in the path or here.
            throw new OptionsValidationException("Auth", typeof(ProvidersOptions), [$"{providers.Path}: {wrong.Message}"]);
        }
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]{0,49}\z", RegexOptions.CultureInvariant)]
    internal static partial Regex Id();
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class ProvidersOptionsValidation(IHostEnvironment environment) : IValidateOptions<ProvidersOptions>
{
    private static readonly string[] Tenants = ["common", "organizations", "consumers"];

    public ValidateOptionsResult Validate(string? name, ProvidersOptions options)
    {
        var failures = options.All.SelectMany(provider => Failures(provider.Key, provider.Value)).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>Whether a secret may be sent there: over TLS, or not beyond this machine; in Development anywhere.</summary>
    public static bool IsSafe(Uri url, bool isDevelopment) =>
        url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && (isDevelopment || IsLoopback(url)));

    private IEnumerable<string> Failures(string id, ProviderOptions provider)
    {
        var key = $"Auth:Providers:{id}";
        if (!ProvidersOptions.Id().IsMatch(id) || id == Account.CredentialProvider)
            yield return $"{key}: '{id}' cannot be the id of a provider; use lower-case letters, digits, '-' and '_'.";
        if (provider.ClientId.Length == 0)
            yield return $"{key}:ClientId is missing.";
        if (provider.ClientSecret.Length == 0 && id is ProvidersOptions.GitHub or ProvidersOptions.Google)
            yield return $"{key}:ClientSecret is missing.";
        if (WrongIssuer(id, provider.Issuer) is { } wrong)
            yield return $"{key}:Issuer {wrong}";
        if (id == ProvidersOptions.Microsoft && !Tenants.Contains(provider.Tenant) && !Guid.TryParseExact(provider.Tenant, "D", out _))
            yield return $"{key}:Tenant must be {string.Join(", ", Tenants)} or the id of a directory, it is '{provider.Tenant}'.";
        foreach (var reserved in provider.AuthorizationParameters.Keys.Where(AuthorizationRequest.Reserved.Contains))
            yield return $"{key}:AuthorizationParameters:{reserved} is not yours to set.";
    }

    private string? WrongIssuer(string id, string issuer)
    {
        if (id is ProvidersOptions.Google or ProvidersOptions.Microsoft)
            return issuer.Length > 0 ? $"is known of '{id}' and cannot be set; use another id for another issuer." : null;
        if (issuer.Length == 0)
            return id == ProvidersOptions.GitHub ? null : "is missing.";
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out var url) || url.Query.Length > 0 || url.Fragment.Length > 0 || url.UserInfo.Length > 0)
            return $"must be an absolute URL without query and fragment, it is '{issuer}'.";
        return IsSafe(url, environment.IsDevelopment()) ? null : $"must be https, it is '{issuer}'.";
    }

    private static bool IsLoopback(Uri url) =>
        url.Host == "localhost" || (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
