using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>What the groups multi-session, one-time-token and jwt need.</summary>
internal static class TokenGroups
{
    public static void AddTo(StoreOptions store)
    {
        store.Events.MapEventType<OneTimeTokenIssued>("one_time_token.issued.1").About(e => e.UserId);
        store.Events.MapEventType<OneTimeTokenUsed>("one_time_token.used.1").About(e => e.UserId);
        store.Events.MapEventType<OneTimeTokenRefused>("one_time_token.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<SigningKeyMade>("jwt.key_made.1");
        store.Schema.For<OneTimeToken>()
            .Duplicate(token => token.UserId, "text")
            .Duplicate(token => token.ExpiresAt, "timestamptz")
            .Index(token => token.UserId)
            .Index(token => token.ExpiresAt);
        store.Schema.For<SigningKey>()
            .Duplicate(key => key.Replaces, "text")
            .UniqueIndex(ReplaceSigningKey.OncePerKey, key => key.Replaces);
    }

    public static void AddTo(IServiceCollection services)
    {
        services.AddOptions<JwtOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<JwtOptions>, JwtOptionsValidation>());
        services.AddSingleton<KeySeal>();
        services.AddSingleton<SigningKeys>();
        services.AddSingleton<SessionJwt>();
        services.AddSingleton<SessionSwitch>();
        services.AddSingleton<DeviceSessions>();
        services.AddSingleton<IDeviceSessions>(provider => provider.GetRequiredService<DeviceSessions>());
    }
}
