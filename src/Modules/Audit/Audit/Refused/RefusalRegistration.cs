using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>What the module registers for refusals that no other module tells.</summary>
internal static class RefusalRegistration
{
    public const string RequestsRefused = "requests.refused.1";

    public static void Store(StoreOptions store)
    {
        store.Events.MapEventType<AccessRefused>("access.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<RequestsRefused>(RequestsRefused).Refused(e => e.Kind);
    }

    public static void Services(IServiceCollection services)
    {
        services.AddSingleton<AccessRefusals>();
        services.AddSingleton<IAccessLog>(provider => provider.GetRequiredService<AccessRefusals>());
        services.AddSingleton<TellRefusals>();
        services.AddHostedService(provider => provider.GetRequiredService<TellRefusals>());
    }
}
