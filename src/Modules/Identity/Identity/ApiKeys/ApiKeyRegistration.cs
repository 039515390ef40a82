using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What keys need of the container and of the store.</summary>
internal static class ApiKeyRegistration
{
    public static void AddApiKeys(this IServiceCollection services)
    {
        services.AddOptions<ApiKeyOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ApiKeyOptions>, ApiKeyOptionsValidation>());
        services.AddSingleton<ApiKeyUses>();
        services.AddSingleton<VerifierKey>();
        services.AddScoped<ApiKeyCheck>();
        services.AddScoped<NewApiKey>();
        services.AddScoped<OwnApiKey>();
        services.AddScoped<ApiKeyRemoval>();
        services.AddScoped<IEndOfUser>(provider => provider.GetRequiredService<ApiKeyRemoval>());
    }

    public static void StoreApiKeys(this StoreOptions store)
    {
        store.Events.MapEventType<ApiKeyCreated>("api_key.created.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<ApiKeyUpdated>("api_key.updated.1").About(e => e.UserId);
        store.Events.MapEventType<ApiKeyDeleted>("api_key.deleted.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<ApiKeyRefused>("api_key.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Projections.Snapshot<ApiKey>()
            .Duplicate(key => key.UserId, "text")
            .Duplicate(key => key.KeyHash, "text")
            .Duplicate(key => key.Enabled, "boolean")
            .Duplicate(key => key.ExpiresAt, "timestamptz")
            .UniqueIndex(ApiKey.HashIndex, key => key.KeyHash)
            .Index(key => key.UserId);
        store.Storage.Script("api-key-use", ApiKeyUses.Table);
    }
}
