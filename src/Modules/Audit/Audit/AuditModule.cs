using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Audit;

/// <summary>The module as the Host sees it.</summary>
public sealed class AuditModule : IModule
{
    public string Name => "Audit";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
        services.ConfigureStore("audit", store =>
        {
            store.Storage.Script("001-entries", LogSchema.Entries);
            store.Storage.Script("002-search", LogSchema.Search);
            store.Storage.Partitions("entries", LogSchema.PartitionByName);
            store.StoreErasure();
            store.StoreSinks();
            store.StoreRetention();
            store.Projections.Subscribe<SealEntries>(SealEntries.Name);
        });
        services.ConfigureMessaging("audit", typeof(AuditModule).Assembly, messages => messages
            .PublishMessage<SubjectForgotten>("audit.subject_forgotten.1"));
        services.AddErasure();
        services.AddSinks();
        services.AddRetention();
        services.AddSingleton<SealingMetrics>();
        services.AddSingleton<EntryLog>();
        services.AddSingleton<LogRows>();
        services.AddSingleton<SearchRebuild>();
        services.AddSingleton<ReplayAccess>();
    }
}
