using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>The module as the Host sees it.</summary>
public sealed class ProfilesModule : IModule
{
    private const string Schema = "profiles";

    public string Name => "Profiles";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
        services.ConfigureStore(Schema, Store);
        services.ConfigureMessaging(Schema, typeof(ProfilesModule).Assembly, messages => messages
            .PublishMessage<OfficeSessionTold>("profiles.office_session_told.1")
            .PublishMessage<OfficeSessionReminderDue>("profiles.office_session_reminder_due.1"));
        services.AddOptions<ProfileOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ProfileOptions>, ProfileOptionsValidation>());
        services.AddScoped<ProfileStreams>();
        services.AddScoped<ProfileReading>();
        services.AddScoped<Mentors>();
        services.AddScoped<Introduction>();
        services.AddScoped<OfficeStory>();
        OfficeSessionStore.AddServices(services);
    }

    private static void Store(StoreOptions store)
    {
        store.Events.MapEventType<ProfileOpened>("profile.opened.1").About(e => e.UserId);
        store.Events.MapEventType<ProfileUpdated>("profile.updated.1").About(e => e.UserId);
        store.Events.MapEventType<ProfileClosed>("profile.closed.1").About(e => e.UserId);
        store.Events.MapEventType<ProfileImageSet>("profile.image_set.1").About(e => e.UserId);
        store.Events.MapEventType<ProfileImageRemoved>("profile.image_removed.1").About(e => e.UserId);
        store.Events.MapEventType<MentorDescribed>("mentor.described.1").About(e => e.UserId);
        store.Events.MapEventType<MentorWithdrawn>("mentor.withdrawn.1").About(e => e.UserId);
        store.Events.MapEventType<MenteeDescribed>("mentee.described.1").About(e => e.UserId);
        store.Events.MapEventType<MenteeWithdrawn>("mentee.withdrawn.1").About(e => e.UserId);
        store.Events.MapEventType<AvailabilitySet>("availability.set.1").About(e => e.UserId);
        store.Events.MapEventType<CalendarFeedOpened>("calendar_feed.opened.1").About(e => e.UserId);
        store.Events.MapEventType<CalendarFeedClosed>("calendar_feed.closed.1").About(e => e.UserId);
        store.Projections.Snapshot<Profile>()
            .Identity(profile => profile.UserId)
            .UniqueIndex(CalendarFeed.Index, profile => profile.FeedHash);
        store.Storage.Script("001-images", ProfileImage.Table);
        store.Storage.Script("002-mentors", Mentor.Indexes);
        OfficeSessionStore.Configure(store);
    }
}
