using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Audit;

/// <summary>What erasing people needs of the container and of the store.</summary>
internal static class ErasureRegistration
{
    public static void AddErasure(this IServiceCollection services)
    {
        services.AddSingleton<SearchForgetting>();
        services.AddSingleton<StatisticsSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<StatisticsSweep>());
    }

    public static void StoreErasure(this StoreOptions store)
    {
        store.Events.MapEventType<SubjectErased>("subject.erased.1").About(e => e.SubjectId).Because(e => e.Reason);
        store.Events.MapEventType<ErasureRefused>("erasure.refused.1").About(e => e.SubjectId).Refused(e => e.Reason);
    }
}
