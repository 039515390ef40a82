using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>The Auth.js adapter's part of <see cref="SessionsModule"/>.</summary>
internal static class AdapterSchema
{
    // As an Auth.js application knows its table (drizzle's names and types), but for the token, of which we know only a hash. A
    // common table expression, because nothing can be written through one.
    private const string View = """
        create schema if not exists {authjs};
        create view {authjs}.session as
        with rows as (select user_id, expires_at from {schema}.mt_doc_session)
        select null::text as "sessionToken", user_id as "userId", expires_at at time zone 'UTC' as expires
        from rows;
        """;

    public static void AddAdapter(this IServiceCollection services) => services.AddSingleton<SessionUsers>();

    public static void StoreAdapter(this StoreOptions store)
    {
        store.Events.MapEventType<SessionRefused>("session.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Storage.Script("030-authjs-session", View);
    }
}
