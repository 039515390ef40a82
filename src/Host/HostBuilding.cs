using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Modular.Host.Metrics;
using Modular.Host.OpenApi;
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
        LogFormat.SetDefaults(builder);
        configure?.Invoke(builder);
        return await OverDatabase(builder, Console.Out, async () =>
        {
            AddServer(builder);
            var app = builder.Build();
            app.Logger.LogInformation("{Preparing}", app.Services.GetRequiredService<HostDatabase>().Preparing.Why);
            await Migrate(app);
            Map(app);
            app.WarnOfUnknownAddress();
            app.WarnOfUnknownSettings();
            return app;
        });
    }

    /// <summary>The same services for one command: no web server, nothing in the background, nothing migrated.</summary>
    /// <param name="settings">As <c>--key=value</c>.</param>
    /// <param name="notes">What would be printed at a start; the answer of a command stays clean of it.</param>
    /// <param name="configure">What is different for this command.</param>
    public static Task<IHost> BuildForCommand(string[] settings, TextWriter notes, Action<IHostApplicationBuilder>? configure = null)
    {
        // The environment a web server would have, so that both find the same settings and the same database.
        var environment = new ConfigurationManager();
        environment.AddEnvironmentVariables("ASPNETCORE_");
        var builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(
            new HostApplicationBuilderSettings { Args = settings, Configuration = environment });
        builder.Configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource
        {
            InitialData = [new("Logging:LogLevel:Default", nameof(LogLevel.Warning))],
        });
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        configure?.Invoke(builder);
        return OverDatabase(builder, notes, () => Task.FromResult(builder.Build()));
    }

    private static async Task<T> OverDatabase<T>(IHostApplicationBuilder builder, TextWriter notes, Func<Task<T>> build)
        where T : IHost
    {
        DevelopmentSecret.Ensure(builder);
        var database = await HostDatabase.Open(builder.Configuration, builder.Environment.ContentRootPath, notes.WriteLine);
        try
        {
            AddServices(builder, database);
            return await build();
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    private static void AddServices(IHostApplicationBuilder builder, HostDatabase database)
    {
        var services = builder.Services;
        // By factory, so that the container disposes it: last, after everything that uses it.
        services.AddSingleton(_ => database);
        services.AddSingleton(sp =>
        {
            var store = sp.GetRequiredService<HostDatabase>().Store;
            var log = sp.GetRequiredService<ILogger<StoreDatabase>>();
            store.LogTo(sentence => log.LogWarning("{Sentence}", sentence));
            return store;
        });
        services.AddKernel();
        services.AddStore(sp => sp.GetRequiredService<IOptions<AuthOptions>>().Value.Secrets);
        services.AddMessaging();
        foreach (var module in Modules.All)
            services.AddModule(module, builder.Configuration);
    }

    private static void AddServer(WebApplicationBuilder builder)
    {
        builder.Services.AddStoreDaemon();
        builder.Services.AddMessagingDaemon();
        builder.Services.AddHealthChecks()
            .AddCheck<DatabaseHealth>("database")
            .AddCheck<SubscriptionHealth>("subscriptions")
            .AddCheck<MessagingHealth>("messaging");
        builder.Services.AddApiDescription();
        builder.Services.AddRequestLog();
        builder.Services.AddMetricsEndpoint();
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
        foreach (var module in Modules.All)
            module.UseFirst(app);
        // Where it stands, not in front of all as WebApplication has it unless told: what is answered above needs no route.
        app.UseRouting();
        app.UseRequestLog();
        app.WarnOfUntrustedProxy();
        app.UseSecurityHeaders();
        app.UseCrossOrigin();
        app.UseProblems();
        app.UseCaller();
        app.UseRateLimiting();
        foreach (var module in Modules.All)
            module.UseLast(app);
        app.UseTenancy();
        app.MapHealth();
        app.MapMetrics();
        app.MapApiDescription();
        app.MapEndpoints(Modules.All);
    }
}
