using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Audit;

/// <summary>What sinks need of the container and of the store.</summary>
internal static class SinkRegistration
{
    public static void AddSinks(this IServiceCollection services)
    {
        services.AddOptions<SinksOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SinksOptions>, SinksOptionsValidation>());
        services.AddSingleton<SinkStates>();
        services.AddSingleton<SinkHttp>();
        services.AddSingleton<SinkMetrics>();
        services.AddSingleton<SinkReport>();
        services.AddHostedService<SinkDaemon>();
        services.AddHealthChecks().AddCheck<SinkHealth>("sinks");
    }

    public static void StoreSinks(this StoreOptions store)
    {
        store.Events.MapEventType<SinkPaused>("sink.paused.1");
        store.Events.MapEventType<SinkResumed>("sink.resumed.1");
        store.Events.MapEventType<SinkSentBack>("sink.sent_back.1");
        store.Storage.Script("010-sinks", SinkStates.Table);
    }
}

/// <summary>A sink that does not take what it is sent is no reason to be unready: nothing waits for it.</summary>
internal sealed class SinkHealth(SinkMetrics metrics) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(metrics.Problems.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(string.Join("; ", metrics.Problems)));
}
