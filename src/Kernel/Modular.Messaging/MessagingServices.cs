using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Modular.Store;

namespace Modular.Messaging;

/// <summary>What one module sends and handles.</summary>
public sealed class MessagingOptions
{
    internal MessagingOptions(string module, Assembly assembly)
    {
        Module = module;
        Assembly = assembly;
    }

    internal string Module { get; }

    internal Assembly Assembly { get; }

    internal Dictionary<Type, string> Messages { get; } = [];

    /// <summary>Registers a message under its stored name: dotted, with a revision, permanent.</summary>
    public MessagingOptions PublishMessage<T>(string storedName)
        where T : class
    {
        Messages.Add(typeof(T), storedName);
        return this;
    }
}

/// <summary>Registration of messaging.</summary>
public static class MessagingServices
{
    /// <summary>
    /// The bus and the administration of what it sent; needs the store. Enough for a command line, which publishes and
    /// leaves the work to the servers.
    /// </summary>
    public static IServiceCollection AddMessaging(this IServiceCollection services, Action<MessagingSettings>? configure = null)
    {
        var settings = new MessagingSettings();
        configure?.Invoke(settings);
        services.AddMetrics();
        services.ConfigureStore(MessagingSchema.Name, MessagingSchema.Configure);
        services.AddSingleton(settings);
        services.AddSingleton(sp => new MessageRegistry(sp.GetServices<MessagingOptions>()));
        services.AddSingleton<LocalQueues>();
        services.AddSingleton<EnvelopeTable>();
        services.AddSingleton(sp => new DeadLetters(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<FeedSignal>(), sp.GetRequiredService<LocalQueues>(),
            sp.GetRequiredService<TimeProvider>()));
        services.AddScoped<IMessageBus, MessageBus>();
        return services;
    }

    /// <summary>The workers of a server. Starting them checks every module's messages and handlers.</summary>
    public static IServiceCollection AddMessagingDaemon(this IServiceCollection services)
    {
        services.AddSingleton<MessagingMetrics>();
        services.AddSingleton<IMeasuredOnDemand, DeadLetterCount>();
        services.AddSingleton<EnvelopeHandling>();
        services.AddSingleton<MessagingDaemon>();
        services.AddSingleton<IMessagingDaemon>(sp => sp.GetRequiredService<MessagingDaemon>());
        services.AddHostedService(sp => sp.GetRequiredService<MessagingDaemon>());
        return services;
    }

    /// <summary>
    /// A module's share: the messages it sends, and the handlers in its assembly, found by convention: a type whose
    /// name ends in <c>Handler</c> with a method <c>Task Handle(TMessage, …)</c>; what follows the message is injected.
    /// </summary>
    public static IServiceCollection ConfigureMessaging(
        this IServiceCollection services, string module, Assembly assembly, Action<MessagingOptions>? configure = null)
    {
        var options = new MessagingOptions(module, assembly);
        configure?.Invoke(options);
        services.AddSingleton(options);
        foreach (var handler in HandlerDiscovery.Types(assembly).Where(type => !type.IsAbstract))
            services.TryAddScoped(handler);
        return services;
    }
}
