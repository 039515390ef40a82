using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>The module as the Host sees it.</summary>
public sealed class SessionsModule : IModule
{
    public string Name => "Sessions";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
        services.ConfigureStore("sessions", store =>
        {
            store.Events.MapEventType<SessionStarted>("session.started.1").About(e => e.UserId).Because(e => e.Method);
            store.Events.MapEventType<SessionRefreshed>("session.refreshed.1").About(e => e.UserId);
            store.Events.MapEventType<OrganizationSwitched>("session.organization_switched.1").About(e => e.UserId);
            store.Events.MapEventType<SessionRevoked>("session.revoked.1").About(e => e.UserId).Because(e => e.Reason);
            store.Events.MapEventType<SessionSignedOut>("session.signed_out.1").About(e => e.UserId);
            store.Events.MapEventType<SessionExpired>("session.expired.1").About(e => e.UserId);
            store.Events.MapEventType<SessionAccessRefused>("session.access_refused.1").About(e => e.UserId).Refused(e => e.Reason);
            TokenGroups.AddTo(store);
            store.StoreAdapter();
            store.Storage.Script("001-session-triggers", SessionTriggers.Sql);
            store.Storage.Script("002-last-sign-ins", LastSignIn.Table);
            store.Storage.Script("003-session-triggers-of-columns", SessionTriggers.OfColumns);
            store.Storage.Script("004-events-by-time", CountSessions.EventsByTime);
            store.Schema.For<KnownDevice>()
                .Duplicate(device => device.UserId, "text")
                .Index(device => device.UserId);
            store.Projections.Snapshot<Session>()
                .Duplicate(session => SessionToken.HashOf(session.TokenHash), "bytea", "token_hash")
                .Duplicate(session => session.Handle, "text")
                .Duplicate(session => session.UserId, "text")
                .Duplicate(session => session.ExpiresAt, "timestamptz")
                .Duplicate(session => session.ActiveOrganizationId, "text")
                .Duplicate(session => session.ImpersonatedBy, "text")
                // For SessionRows, which reads columns: PostgreSQL takes longer to write a document out as text than to find it.
                .Duplicate(session => session.Remember, "boolean")
                .Duplicate(session => session.Method, "text")
                .Duplicate(session => session.CreatedAt, "timestamptz")
                .Duplicate(session => session.UpdatedAt, "timestamptz")
                .Duplicate(session => session.IpAddress, "text")
                .Duplicate(session => session.UserAgent, "text")
                .Duplicate(session => session.ActiveTeamId, "text")
                .UniqueIndex("mt_doc_session_uidx_token_hash", session => session.TokenHash)
                .UniqueIndex("mt_doc_session_uidx_handle", session => session.Handle)
                .Index(session => session.UserId)
                .Index(session => session.ExpiresAt)
                .Index(session => session.ActiveOrganizationId, "active_organization_id is not null")
                .Index(session => session.ImpersonatedBy, "impersonated_by is not null");
        });
        services.ConfigureMessaging("sessions", typeof(SessionsModule).Assembly, messages => messages
            .PublishMessage<SessionOpened>("sessions.session_opened.1")
            .PublishMessage<SessionsRevoked>("sessions.sessions_revoked.1")
            .PublishMessage<DevicesForgotten>("sessions.devices_forgotten.1")
            .PublishMessage<NewDeviceSeen>("sessions.new_device_seen.1"));
        services.AddOptions<LiveSessionsOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<LiveSessionsOptions>, LiveSessionsOptionsValidation>());
        services.AddSingleton<LiveSessionsMetrics>();
        services.AddSingleton<IMeasuredOnDemand, SessionCount>();
        services.AddSingleton(_ => new SessionLease());
        services.AddSingleton<LiveSessions>();
        services.AddSingleton<ICommitWitness, OwnChanges>();
        services.AddSingleton<SessionCheck>();
        services.AddSingleton<SessionRows>();
        services.AddSingleton<KeySessions>();
        services.AddSingleton<ActiveSessions>();
        services.AddSingleton<IActiveSessions>(provider => provider.GetRequiredService<ActiveSessions>());
        TokenGroups.AddTo(services);
        services.AddAdapter();
        services.AddSingleton<ExpiredSessionsSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<ExpiredSessionsSweep>());
        services.AddHostedService<SessionListener>();
    }

    public void UseFirst(IApplicationBuilder app)
    {
        var check = app.ApplicationServices.GetRequiredService<SessionCheck>();
        app.Use(next => context => check.Answer(context, next));
    }

    public void UseLast(IApplicationBuilder app)
    {
        var keys = app.ApplicationServices.GetRequiredService<KeySessions>();
        app.Use(next => context => keys.Answer(context, next));
    }
}
