using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>The module as the Host sees it.</summary>
public sealed class ProfilesModule : IModule
{
    private const string Schema = "profiles";

    public string Name => "Profiles";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
        services.ConfigureStore(Schema, store =>
        {
            store.Events.MapEventType<ProfileOpened>("profile.opened.1").About(e => e.UserId);
            store.Events.MapEventType<ProfileUpdated>("profile.updated.1").About(e => e.UserId);
            store.Events.MapEventType<ProfileClosed>("profile.closed.1").About(e => e.UserId);
            store.Projections.Snapshot<Profile>().Identity(profile => profile.UserId);
        });
        services.ConfigureMessaging(Schema, typeof(ProfilesModule).Assembly);
    }
}
