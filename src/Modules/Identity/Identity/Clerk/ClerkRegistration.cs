using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What following Clerk needs of the container and of the store.</summary>
internal static class ClerkRegistration
{
    public static void AddClerk(this IServiceCollection services)
    {
        services.AddOptions<ClerkOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ClerkOptions>, ClerkOptionsValidation>());
        services.AddSingleton<SvixSignature>();
        services.AddSingleton<ClerkMetrics>();
        services.AddScoped<ClerkLedger>();
        services.AddScoped<ClerkChanges>();
        services.AddScoped<ClerkSync>();
        services.AddHostedService<ClerkSweep>();
    }

    public static void StoreClerk(this StoreOptions store)
    {
        store.Events.MapEventType<ClerkChangeRefused>("clerk.change_refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Storage.Script("clerk-messages", ClerkLedger.Tables);
    }
}

/// <summary>Counts messages by what became of them; a forged one leaves no other trace.</summary>
internal sealed class ClerkMetrics(IMeterFactory meters)
{
    private readonly Counter<long> messages = meters.Create("Modular.Identity")
        .CreateCounter<long>("modular.clerk.messages", "{message}", "Messages of Clerk by what became of them: applied, duplicate, stale, ignored, or the code of the refusal.");

    public void Count(string result) => messages.Add(1, new KeyValuePair<string, object?>("result", result));
}
