using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>The module as the Host sees it.</summary>
public sealed class ProfilesModule : IModule
{
    public string Name => "Profiles";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
    }
}
