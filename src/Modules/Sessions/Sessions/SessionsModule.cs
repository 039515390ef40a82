using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;

namespace Modular.Sessions;

/// <summary>The module as the Host sees it.</summary>
public sealed class SessionsModule : IModule
{
    public string Name => "Sessions";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
    }
}
