using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Store;

namespace Modular.Identity;

/// <summary>Passkeys' part of <see cref="IdentityModule"/>.</summary>
internal static class PasskeyRegistration
{
    public static void AddPasskeys(this IServiceCollection services)
    {
        services.AddOptions<PasskeyOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PasskeyOptions>, PasskeyOptionsValidation>());
        services.AddScoped<PasskeyStore>();
        services.AddScoped<PasskeyChallenges>();
        services.AddScoped<PasskeyRecord>();
        services.AddScoped<PasskeyEnd>();
        services.AddScoped<IEndOfUser>(provider => provider.GetRequiredService<PasskeyEnd>());
        services.AddScoped<RelyingParty>();
    }

    public static void StorePasskeys(this StoreOptions store)
    {
        store.Events.MapEventType<PasskeyAdded>("passkey.added.1").About(e => e.UserId);
        store.Events.MapEventType<PasskeyUsed>("passkey.used.1").About(e => e.UserId);
        store.Events.MapEventType<PasskeyRenamed>("passkey.renamed.1").About(e => e.UserId);
        store.Events.MapEventType<PasskeyRemoved>("passkey.removed.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<PasskeyRefused>("passkey.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Schema.For<Passkey>()
            .Duplicate(passkey => passkey.UserId, "text")
            .Duplicate(passkey => passkey.CredentialId, "text")
            .Duplicate(passkey => passkey.Counter, "bigint")
            .Index(passkey => passkey.UserId)
            .UniqueIndex(Passkey.CredentialIndex, passkey => passkey.CredentialId);
    }
}
