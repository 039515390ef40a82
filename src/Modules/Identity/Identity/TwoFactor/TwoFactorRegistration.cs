using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The second factor as the module sees it.</summary>
internal static class TwoFactorRegistration
{
    public static void AddTwoFactor(this IServiceCollection services)
    {
        services.AddSingleton<SecondFactorCookies>();
        services.AddSingleton<BackupCodes>();
        services.AddSingleton<AuthenticatorKeys>();
        services.AddScoped<CodeGuesses>();
        services.AddScoped<CodeCheck>();
        services.AddScoped<MailedCodes>();
        services.AddScoped<TrustedDevices>();
        services.AddScoped<TwoFactorSwitch>();
        services.AddScoped<SecondFactor>();
    }

    public static void StoreTwoFactor(this StoreOptions store)
    {
        store.Schema.For<Authenticator>();
        store.Events.MapEventType<TwoFactorPrepared>("two_factor.prepared.1").About(e => e.UserId);
        store.Events.MapEventType<TwoFactorEnabled>("two_factor.enabled.1").About(e => e.UserId);
        store.Events.MapEventType<TwoFactorDisabled>("two_factor.disabled.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<TwoFactorAsked>("two_factor.asked.1").About(e => e.UserId);
        store.Events.MapEventType<TwoFactorSkipped>("two_factor.skipped.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<TwoFactorVerified>("two_factor.verified.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<TwoFactorFailed>("two_factor.failed.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<TwoFactorCodeSent>("two_factor.code_sent.1").About(e => e.UserId);
        store.Events.MapEventType<BackupCodesGenerated>("backup_codes.generated.1").About(e => e.UserId);
        store.Events.MapEventType<DeviceTrusted>("two_factor.device_trusted.1").About(e => e.UserId);
        store.Events.MapEventType<DevicesForgotten>("two_factor.devices_forgotten.1").About(e => e.UserId).Because(e => e.Reason);
    }
}
