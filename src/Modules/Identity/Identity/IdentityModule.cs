using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The module as the Host sees it.</summary>
public sealed class IdentityModule : IModule
{
    private const string Schema = "identity";

    private const string AccountIndexes = """
        create unique index mt_doc_account_uidx_issuer_account_id on {schema}.mt_doc_account (issuer, account_id);
        create index mt_doc_account_idx_user_id on {schema}.mt_doc_account (user_id);
        """;

    // Identity's contract with Sessions (SessionPrincipal). Plain columns, because every session check joins it.
    private const string SessionPrincipalView = """
        create view {schema}.session_principal as
        select id, name, email, email_verified, image, created_at, updated_at, role, banned, ban_reason, ban_expires
        from {schema}.mt_doc_user;
        """;

    // A row that was written before the columns were has nothing in them until it is filled.
    private const string SessionPrincipalFactors = """
        create or replace view {schema}.session_principal as
        select id, name, email, email_verified, image, created_at, updated_at, role, banned, ban_reason, ban_expires,
            coalesce(two_factor_enabled, false) as two_factor_enabled, username, display_username, coalesce(is_anonymous, false) as is_anonymous
        from {schema}.mt_doc_user;
        """;

    // Whoever changes a user, a slice or an operator with psql, tells every node in the same transaction: sessions are
    // checked against this row from memory (DESIGN §6, rule 2).
    private const string SessionPrincipalTrigger = """
        create function {schema}.tell_of_user() returns trigger language plpgsql as $body$
        begin
            perform pg_notify('modular_sessions', old.id);
            return null;
        end $body$;
        create trigger user_altered after update on {schema}.mt_doc_user for each row
            when (old.* is distinct from new.*) execute function {schema}.tell_of_user();
        create trigger user_ended after delete on {schema}.mt_doc_user for each row execute function {schema}.tell_of_user();
        alter table {schema}.mt_doc_user enable always trigger user_altered;
        alter table {schema}.mt_doc_user enable always trigger user_ended;
        """;

    public string Name => "Identity";

    public void AddServices(IServiceCollection services, IConfiguration configuration)
    {
        services.ConfigureStore(Schema, Store);
        services.ConfigureMessaging(Schema, typeof(IdentityModule).Assembly, messages => messages
            .PublishMessage<Contracts.UserRegistered>("identity.user_registered.1")
            .PublishMessage<Contracts.UserDeleted>("identity.user_deleted.1")
            .PublishMessage<Contracts.UserReclaimed>("identity.user_reclaimed.1")
            .PublishMessage<PasswordResetRequested>("identity.password_reset_requested.1")
            .PublishMessage<VerificationRequested>("identity.verification_requested.1")
            .PublishMessage<EmailChangeRequested>("identity.email_change_requested.1")
            .PublishMailedSignIn()
            .PublishMessage<MailRequested>(MailRequested.StoredName)
            .PublishMessage<AnonymousUserStale>("identity.anonymous_user_stale.1"));

        services.AddOptions<PasswordOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PasswordOptions>, PasswordOptionsValidation>());
        services.AddOptions<GuessLimitOptions>()
            .Configure<IConfiguration, IOptions<RateLimitOptions>>((options, from, limits) => options.Read(from, limits.Value)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GuessLimitOptions>, GuessLimitOptionsValidation>());
        services.AddOptions<AdminOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AdminOptions>, AdminOptionsValidation>());

        services.AddOptions<MailOptions>()
            .Configure<IConfiguration, IHostEnvironment>((options, from, environment) => options.Read(from, environment.IsDevelopment()))
            .ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MailOptions>, MailOptionsValidation>());
        services.AddSingleton<MailTexts>();
        services.AddScoped<Mailer>();
        services.AddScoped<IMailTransport>(provider => provider.GetRequiredService<IOptions<MailOptions>>().Value.HasMailbox
            ? ActivatorUtilities.CreateInstance<DevelopmentMailbox>(provider)
            : ActivatorUtilities.CreateInstance<SmtpTransport>(provider));

        services.AddSingleton<PasswordQueue>();
        services.AddSingleton<AddressHash>();
        services.AddSingleton<GuessCounts>();
        services.AddScoped<GuessLimit>();
        services.AddSingleton<SecretBox>();
        services.AddScoped<Verifications>();
        services.AddScoped<Registration>();
        services.AddScoped<IntruderEnd>();
        services.AddScoped<UsernameHolders>();
        services.AddScoped<PasswordSignIn>();
        services.AddScoped<AnonymousUpgrade>();
        services.AddScoped<Admission>();
        services.AddScoped<Credentials>();
        services.AddScoped<NewPassword>();
        services.AddScoped<OwnPassword>();
        services.AddScoped<EmailLinks>();
        services.AddScoped<EmailVerification>();
        services.AddScoped<Removal>();
        services.AddScoped<DeletionRecord>();
        services.AddScoped<SignInRecord>();
        services.AddScoped<SignUpRefusals>();
        services.AddScoped<Promotion>();
        AdminRegistration.Services(services);
        services.AddHostedService<MakeFirstAdministrator.AtStart>();
        services.AddHostedService<GuessCountsSweep>();
        services.AddSingleton<VerificationSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<VerificationSweep>());
        services.AddMailedSignIn();
        AddProviders(services);
        OrganizationStore.AddServices(services);
        services.AddApiKeys();
        services.AddTwoFactor();
        services.AddPasskeys();
        services.AddClerk();
        services.AddPurge();
        services.AddImport();
        services.AddScoped<SeededStreams>().AddSingleton<SeedPasswords>();
        services.AddAdapter();
    }

    /// <summary>Signing in by somebody else's word, and the accounts that come of it.</summary>
    private static void AddProviders(IServiceCollection services)
    {
        services.AddOptions<ProvidersOptions>().Configure<IConfiguration>((options, from) => options.Read(from)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ProvidersOptions>, ProvidersOptionsValidation>());

        services.AddSingleton<ProviderHttp>();
        services.AddSingleton<Providers>();
        services.AddSingleton<ProviderFlow>();
        services.AddSingleton<AccountTokens>();
        services.AddSingleton<ClusterLock>();
        services.AddSingleton<TokenRefresh>();
        services.AddHostedService(provider => provider.GetRequiredService<TokenRefresh>());
        services.AddScoped<ProviderSignIn>();
        services.AddScoped<ProviderSignInRecord>();
        services.AddScoped<AccountLinking>();
        services.AddScoped<OwnAccounts>();
    }

    private static void StoreAccounts(StoreOptions store)
    {
        store.Events.MapEventType<AccountLinked>("account.linked.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<AccountUnlinked>("account.unlinked.1").About(e => e.UserId);
        store.Events.MapEventType<AccountRefreshed>("account.refreshed.1").About(e => e.UserId);
        store.Events.MapEventType<AccountChangeRefused>("account.change_refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<ProviderSignInRefused>("sign_in.provider_refused.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash)).Refused(e => e.Reason);
    }

    private static void Store(StoreOptions store)
    {
        store.Events.MapEventType<UserRegistered>("user.registered.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<UserUpdated>("user.updated.1").About(e => e.UserId);
        store.Events.MapEventType<UserEmailVerified>("user.email_verified.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<UserEmailChanged>("user.email_changed.1").About(e => e.UserId);
        store.Events.MapEventType<UserDeleted>("user.deleted.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<AnonymousUserLinked>("user.anonymous_linked.1").About(e => e.UserId);
        store.Events.MapEventType<UserRoleSet>("user.role_set.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<UserBanned>("user.banned.1").About(e => e.UserId).Because(e => e.Inactive ? "inactive" : "banned");
        store.Events.MapEventType<UserUnbanned>("user.unbanned.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<PasswordChanged>("password.changed.1").About(e => e.UserId);
        store.Events.MapEventType<PasswordReset>("password.reset.1").About(e => e.UserId);
        store.Events.MapEventType<PasswordGiven>("password.given.1").About(e => e.UserId);
        store.Events.MapEventType<PasswordResetLinkSent>("password.reset_link_sent.1").About(e => e.UserId);
        store.Events.MapEventType<PasswordRefused>("password.refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<VerificationLinkSent>("user.verification_link_sent.1").About(e => e.UserId);
        store.Events.MapEventType<EmailChangeLinkSent>("user.email_change_link_sent.1").About(e => e.UserId);
        store.Events.MapEventType<EmailChangeRefused>("user.email_change_refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<UserUnlocked>("user.unlocked.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<UserDeletionLinkSent>("user.deletion_link_sent.1").About(e => e.UserId);
        store.Events.MapEventType<UserDeletionRefused>("user.deletion_refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<EmailChangeAllowed>("user.email_change_allowed.1").About(e => e.UserId);
        store.Events.MapEventType<EmailLinkRefused>("user.email_link_refused.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<LinkNotSent>("user.link_not_sent.1").About(e => e.UserId).Refused(e => e.Reason);
        store.Events.MapEventType<SignInFailed>("sign_in.failed.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash)).Refused(e => e.Reason);
        store.Events.MapEventType<KeysRewrapped>("keys.rewrapped.1");
        store.Events.MapEventType<SignUpRefused>("sign_up.refused.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash)).Refused(e => e.Reason);

        StoreAccounts(store);
        store.StoreTwoFactor();
        store.AddMailedSignIn();
        store.StorePasskeys();

        store.Projections.Snapshot<User>()
            .Duplicate(user => user.Name, "text")
            .Duplicate(user => user.Email, "text")
            .Duplicate(user => user.EmailVerified, "boolean")
            .Duplicate(user => user.Image, "text")
            .Duplicate(user => user.CreatedAt, "timestamptz")
            .Duplicate(user => user.UpdatedAt, "timestamptz")
            .Duplicate(user => user.Role, "text")
            .Duplicate(user => user.Banned, "boolean")
            .Duplicate(user => user.BanReason, "text")
            .Duplicate(user => user.BanExpires, "timestamptz")
            .Duplicate(user => user.TwoFactorEnabled, "boolean")
            .Duplicate(user => user.Username, "text")
            .Duplicate(user => user.DisplayUsername, "text")
            .Duplicate(user => user.IsAnonymous, "boolean")
            .Duplicate(user => user.EmailVerifiedAt, "timestamptz")
            .UniqueIndex(User.EmailIndex, user => user.Email)
            .UniqueIndex(Username.Index, user => user.Username);
        store.Schema.For<ReservedUsername>();
        store.Projections.Add(new UsersSync());
        store.Schema.For<Account>()
            .Duplicate(account => account.UserId, "text")
            .Duplicate(account => account.Issuer, "text")
            .Duplicate(account => account.AccountId, "text");

        store.Schema.For<DevelopmentMail>();
        store.Schema.For<Verification>()
            .Duplicate(verification => verification.Purpose, "text")
            .Duplicate(verification => verification.UserId, "text")
            .Duplicate(verification => verification.ExpiresAt, "timestamptz")
            .Index(verification => verification.UserId, "user_id is not null")
            .Index(verification => verification.ExpiresAt);

        store.Storage.Script("001-account-indexes", AccountIndexes);
        store.Storage.Script("002-session-principal", SessionPrincipalView);
        store.Storage.Script("003-users-sync", UsersSync.Table);
        store.Storage.Script("004-password-guesses", GuessCounts.Table);
        store.Storage.Script("005-password-guesses-told", GuessCounts.Told);
        store.Storage.Script("006-session-principal-trigger", SessionPrincipalTrigger);
        store.Storage.Script("007-session-principal-factors", SessionPrincipalFactors);
        OrganizationStore.Configure(store);
        AdminRegistration.Store(store);
        store.StoreApiKeys();
        store.StoreClerk();
        store.StorePurge();
        store.StoreImport();
        store.StoreAdapter();
    }
}
