using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Modular.Identity.Tests;

public sealed partial class ProviderOptionsTests
{
    private static IEnumerable<string> Failures(string environment, params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(pair => KeyValuePair.Create($"Auth:Providers:{pair.Key}", (string?)pair.Value))).Build();
        var options = new ProvidersOptions();
        try
        {
            options.Read(configuration);
        }
        catch (OptionsValidationException wrong)
        {
            return wrong.Failures;
        }

        return new ProvidersOptionsValidation(new Somewhere(environment)).Validate(null, options).Failures ?? [];
    }

    [Fact]
    public void Nothing_configured_is_fine() => Assert.Empty(Failures("Production"));

    [Fact]
    public void Presets_need_no_more_than_who_we_are() => Assert.Empty(Failures(
        "Production",
        ("github:ClientId", "a"), ("github:ClientSecret", "b"), ("google:ClientId", "a"), ("google:ClientSecret", "b"),
        ("microsoft:ClientId", "a"), ("microsoft:Tenant", "9188040d-6c67-4c5b-b112-36a304b66dad"),
        ("keycloak:ClientId", "a"), ("keycloak:Issuer", "https://sso.example.com/realms/main"), ("keycloak:Scopes:0", "offline_access"),
        ("local:ClientId", "a"), ("local:Issuer", "http://127.0.0.1:8080/"), ("local:Trusted", "true")));

    [Theory]
    [InlineData("acme:Issuer", "https://id.example.com", "Auth:Providers:acme:ClientId is missing.")]
    [InlineData("acme:ClientId", "a", "Auth:Providers:acme:Issuer is missing.")]
    [InlineData("github:ClientId", "a", "Auth:Providers:github:ClientSecret is missing.")]
    [InlineData("keycloak:ClientId", "a", "Auth:Providers:keycloak:Issuer is missing.")]
    [InlineData("microsoft:Tenant", "contoso.com", "Auth:Providers:microsoft:Tenant must be common, organizations, consumers or the id of a directory, it is 'contoso.com'.")]
    [InlineData("google:Issuer", "https://evil", "Auth:Providers:google:Issuer is known of 'google' and cannot be set; use another id for another issuer.")]
    [InlineData("Acme:ClientId", "a", "Auth:Providers:Acme: 'Acme' cannot be the id of a provider; use lower-case letters, digits, '-' and '_'.")]
    [InlineData("credential:ClientId", "a", "Auth:Providers:credential: 'credential' cannot be the id of a provider; use lower-case letters, digits, '-' and '_'.")]
    [InlineData("acme:Issuer", "http://id.example.com", "Auth:Providers:acme:Issuer must be https, it is 'http://id.example.com'.")]
    [InlineData("acme:Issuer", "id.example.com", "Auth:Providers:acme:Issuer must be an absolute URL without query and fragment, it is 'id.example.com'.")]
    [InlineData("acme:Issuer", "https://id.example.com/?a=1", "Auth:Providers:acme:Issuer must be an absolute URL without query and fragment, it is 'https://id.example.com/?a=1'.")]
    [InlineData("acme:AuthorizationParameters:nonce", "1", "Auth:Providers:acme:AuthorizationParameters:nonce is not yours to set.")]
    public void What_is_wrong_is_named_by_its_key(string key, string value, string failure) =>
        Assert.Contains(failure, Failures("Production", (key, value)));

    [Theory]
    [InlineData("acme:ClientID2", "a", "ClientID2")]
    [InlineData("acme:Trusted", "maybe", "Auth:Providers:acme:Trusted")]
    public void What_cannot_be_read_is_named_too(string key, string value, string named) =>
        Assert.Contains(named, Assert.Single(Failures("Production", (key, value))), StringComparison.Ordinal);

    [Fact]
    public void In_development_an_issuer_may_be_without_TLS() =>
        Assert.Empty(Failures("Development", ("acme:ClientId", "a"), ("acme:Issuer", "http://keycloak:8080/realms/main")));

    [Fact]
    public void The_document_explains_exactly_these_settings()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Modular.sln")))
            folder = folder.Parent!;
        var explained = Row().Matches(File.ReadAllText(Path.Combine(folder.FullName, "docs", "social-sign-in.md"))).Select(row => row.Groups["name"].Value);
        Assert.Equal(typeof(ProviderOptions).GetProperties().Select(property => property.Name).Order(), explained.Order());
    }

    [GeneratedRegex(@"^\| `(?<name>[A-Z]\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    private sealed class Somewhere(string environment) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = environment;

        public string ApplicationName { get; set; } = "";

        public string ContentRootPath { get; set; } = "";

        public Microsoft.Extensions.FileProviders.IFileProvider ContentRootFileProvider { get; set; } = new Microsoft.Extensions.FileProviders.NullFileProvider();
    }
}
