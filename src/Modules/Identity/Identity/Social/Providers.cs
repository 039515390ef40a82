using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>The providers that are configured, with what is remembered of each.</summary>
internal sealed class Providers(IOptions<ProvidersOptions> options, ProviderHttp http, TimeProvider clock, IHostEnvironment environment)
{
    private readonly Dictionary<string, IProvider> all = options.Value.All.ToDictionary(
        provider => provider.Key,
        IProvider (provider) => provider.Key == ProvidersOptions.GitHub
            ? new GitHubProvider(provider.Value, http, clock)
            : new OidcProvider(provider.Key, provider.Value, http, clock, environment.IsDevelopment()));

    public IProvider? Find(string id) => all.GetValueOrDefault(id);
}
