using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Audit;

/// <summary>What the proof adds to the module.</summary>
internal static class ProofRegistration
{
    public static void AddProof(this IServiceCollection services)
    {
        services.AddOptions<AuditOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuditOptions>, AuditOptionsValidation>());
        services.AddSingleton<LogTree>();
        services.AddSingleton<TileGrowth>();
        services.AddSingleton<LogKeySeal>();
        services.AddSingleton<LogKeys>();
        services.AddSingleton<Checkpoints>();
        services.AddSingleton<Cosignatures>();
        services.AddSingleton<LogAccess>();
        services.AddSingleton<EntryScan>();
        services.AddSingleton<LogScan>();
        services.AddSingleton<EventComparison>();
        services.AddSingleton<OwnEvents>();
        services.AddSingleton<KeyHistory>();
        services.AddSingleton<CheckpointHistory>();
        services.AddSingleton<LogStanding>();
        services.AddHostedService<CheckpointLoop>();
        services.AddHealthChecks().AddCheck<LogHealth>("audit-log");
    }

    public static void AddProof(this StoreOptions store)
    {
        store.Storage.Script("003-proof", ProofSchema.Tables);
        store.Events.MapEventType<LogKeyRotated>(RotateLogKey.EventName);
        store.Events.MapEventType<LogExported>("log.exported.1");
    }
}
