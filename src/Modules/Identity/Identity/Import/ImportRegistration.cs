using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What taking over users of other systems needs of the container and of the store.</summary>
internal static class ImportRegistration
{
    public static void AddImport(this IServiceCollection services)
    {
        services.AddScoped<ImportLedger>();
        services.AddScoped<ImportStaging>();
    }

    public static void StoreImport(this StoreOptions store) => store.Storage.Script("imports", ImportLedger.Tables);
}
