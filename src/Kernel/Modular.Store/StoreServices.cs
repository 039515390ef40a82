using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Modular.Store;

/// <summary>Registration of the store.</summary>
public static class StoreServices
{
    /// <summary>
    /// One store over one database. <see cref="StoreDatabase"/> and the deployment's secret have to be resolvable;
    /// modules add their share by <see cref="ConfigureStore"/>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="secrets">The first wraps the database's keys (<c>Auth:Secret</c>), any of them unwraps (<c>Auth:AcceptedSecrets</c>).</param>
    public static IServiceCollection AddStore(this IServiceCollection services, Func<IServiceProvider, IReadOnlyList<string>> secrets)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(sp => new FeedSignal
        {
            RestsAfter = sp.GetRequiredService<StoreDatabase>().MaySleep ? TimeSpan.FromMinutes(1) : null,
        });
        services.AddSingleton(sp => new StoreRegistry(sp.GetServices<StoreOptions>()));
        services.AddSingleton(sp => new KeyRing(sp.GetRequiredService<StoreDatabase>(), secrets(sp)));
        services.AddSingleton(sp => new SubjectKeys(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<KeyRing>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<EventReader>();
        services.AddSingleton(sp => new CanonicalEvents(sp.GetRequiredService<EventReader>()));
        services.AddSingleton(sp => new EventCatalogue(sp.GetRequiredService<StoreRegistry>()));
        services.AddSingleton<StoreParts>();
        services.AddSingleton(sp => new EventFeed(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<StoreRegistry>(), sp.GetRequiredService<EventReader>()));
        services.AddSingleton(sp => new SchemaMigrator(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<StoreRegistry>(),
            sp.GetRequiredService<KeyRing>(), sp.GetRequiredService<ILogger<SchemaMigrator>>()));
        services.AddSingleton(sp => new SchemaValidator(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<StoreRegistry>()));
        services.AddSingleton(sp => new SchemaReset(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<StoreRegistry>()));
        services.AddSingleton(sp => new SchemaBackup(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<StoreRegistry>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new SchemaRestore(
            sp.GetRequiredService<StoreDatabase>(), sp.GetRequiredService<StoreRegistry>(), sp.GetRequiredService<SchemaReset>(),
            sp.GetRequiredService<KeyRing>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new ProjectionRebuild(sp.GetRequiredService<StoreParts>()));
        services.AddSingleton<IDocumentStore, DocumentStore>();
        services.AddScoped<EventMetadata>();
        services.AddScoped<UnitOfWork>();
        services.AddScoped<IDocumentSession>(sp => new DocumentSession(
            sp.GetRequiredService<StoreParts>(), sp.GetRequiredService<EventMetadata>()));
        services.AddScoped<IQuerySession>(sp => sp.GetRequiredService<IDocumentSession>());
        return services;
    }

    /// <summary>The background half of the store: hints between nodes and subscriptions. A command line does without.</summary>
    public static IServiceCollection AddStoreDaemon(this IServiceCollection services)
    {
        services.AddSingleton<FeedMetrics>();
        services.AddSingleton<SubscriptionDaemon>();
        services.AddSingleton<IProjectionDaemon>(sp => sp.GetRequiredService<SubscriptionDaemon>());
        services.AddHostedService<FeedSignalRelay>();
        services.AddHostedService(sp => sp.GetRequiredService<SubscriptionDaemon>());
        return services;
    }

    /// <summary>A module's share of the store, in its own schema.</summary>
    public static IServiceCollection ConfigureStore(
        this IServiceCollection services, string databaseSchemaName, Action<StoreOptions> configure)
    {
        var options = new StoreOptions(databaseSchemaName);
        configure(options);
        services.AddSingleton(options);
        foreach (var subscription in options.Projections.Subscriptions)
            services.TryAddScoped(subscription.Type);
        return services;
    }
}

/// <inheritdoc/>
internal sealed class DocumentStore(StoreParts parts) : IDocumentStore
{
    public IDocumentSession LightweightSession(EventMetadata? metadata = null) =>
        new DocumentSession(parts, metadata ?? new EventMetadata());

    public IQuerySession QuerySession() => LightweightSession();
}
