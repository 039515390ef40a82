using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Host;

/// <summary>Puts the server together: database, store, messaging, modules, routes.</summary>
internal static class HostBuilding
{
    /// <summary>A server ready to run: database reached, schema migrated.</summary>
    /// <param name="args">Settings as <c>--key=value</c>.</param>
    /// <param name="configure">What a test changes before anything is built.</param>
    public static async Task<WebApplication> Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        configure?.Invoke(builder);
        DevelopmentSecret.Ensure(builder);
        var database = await HostDatabase.Open(builder.Configuration, builder.Environment.ContentRootPath);
        try
        {
            AddServices(builder, database);
            var app = builder.Build();
            await Migrate(app);
            Map(app);
            return app;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    private static void AddServices(WebApplicationBuilder builder, HostDatabase database)
    {
        var services = builder.Services;
        // By factory, so that the container disposes it: last, after everything that uses it.
        services.AddSingleton(_ => database);
        services.AddSingleton(sp => sp.GetRequiredService<HostDatabase>().Store);
        services.AddKernel();
        services.AddStore(sp => sp.GetRequiredService<IOptions<AuthOptions>>().Value.Secret!);
        services.AddStoreDaemon();
        services.AddMessaging();
        services.AddMessagingDaemon();
        foreach (var module in Modules.All)
            services.AddModule(module, builder.Configuration);
        services.AddHealthChecks().AddCheck<DatabaseHealth>("database").AddCheck<SubscriptionHealth>("subscriptions")
            .AddCheck<MessagingHealth>("messaging");
        services.AddOpenApi();
    }

    private static async Task Migrate(WebApplication app)
    {
        var migrator = app.Services.GetRequiredService<SchemaMigrator>();
        if (app.Configuration.GetValue("Modular:AutoMigrate", true))
            await migrator.Apply();
        else
            await migrator.EnsureApplied();
    }

    private static void Map(WebApplication app)
    {
        app.UseProblems();
        app.UseCaller();
        app.MapHealth();
        app.MapOpenApi();
        app.MapEndpoints(Modules.All);
    }
}
