using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Kernel;

/// <summary>A business area as the Host sees it: the one public type of its project.</summary>
public interface IModule
{
    /// <summary>Plural noun of the business, unique among the modules: also the name of its schema, in lower case.</summary>
    string Name { get; }

    /// <summary>
    /// Registers what the module needs beyond its handlers, validators and endpoints, which are found by
    /// <see cref="ModuleExtensions.AddModule"/>.
    /// </summary>
    void AddServices(IServiceCollection services, IConfiguration configuration);

    /// <summary>
    /// Puts in front of everything else what has to be answered as fast as the web server can: whatever it answers passes
    /// nothing that comes after it, and must bring along what that would have added.
    /// </summary>
    void UseFirst(IApplicationBuilder app)
    {
    }

    /// <summary>Puts something right in front of the endpoints, after the caller is known and the rate limits are kept.</summary>
    void UseLast(IApplicationBuilder app)
    {
    }
}

/// <summary>
/// The routes of one slice, in Carter's shape. Found by <see cref="ModuleExtensions.AddModule"/>, made once at start:
/// it may ask for singletons, but what belongs to a request is a parameter of the route.
/// </summary>
public interface ICarterModule
{
    /// <summary>Maps the routes; called once, by <see cref="ModuleExtensions.MapEndpoints"/>.</summary>
    void AddRoutes(IEndpointRouteBuilder app);
}
