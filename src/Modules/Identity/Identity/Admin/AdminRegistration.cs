using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What the group of administrators needs.</summary>
internal static class AdminRegistration
{
    // For lists in the order of registration, for the few who are administrators, and for addresses by their beginning.
    private const string Indexes = """
        create index mt_doc_user_idx_created_at on {schema}.mt_doc_user (created_at, id);
        create index mt_doc_user_idx_administrators on {schema}.mt_doc_user (id) where role ~ '(^|,)admin(,|$)';
        create index mt_doc_user_idx_email_pattern on {schema}.mt_doc_user (email text_pattern_ops);
        """;

    public static void Services(IServiceCollection services)
    {
        services.AddScoped<AdminGate>();
        services.AddScoped<LastAdministrator>();
        services.AddScoped<Standing>();
        services.AddScoped<AddressChange>();
        services.AddSingleton<UserRows>();
    }

    public static void Store(StoreOptions store)
    {
        store.Events.MapEventType<AdminRefused>("admin.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<ImpersonationStarted>("impersonation.started.1").About(e => e.UserId);
        store.Events.MapEventType<ImpersonationStopped>("impersonation.stopped.1").About(e => e.UserId);
        store.Storage.Script("020-admin-user-lists", Indexes);
    }
}
