using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Identity;

/// <summary>The Auth.js adapter's part of <see cref="IdentityModule"/>.</summary>
internal static class AdapterRegistration
{
    // Rows from before the column are filled from documents that do not say it either; a plain column like the others.
    private const string SessionPrincipalVerified = """
        create or replace view {schema}.session_principal as
        select id, name, email, email_verified, image, created_at, updated_at, role, banned, ban_reason, ban_expires,
            coalesce(two_factor_enabled, false) as two_factor_enabled, username, display_username, coalesce(is_anonymous, false) as is_anonymous,
            case when email_verified then coalesce(email_verified_at, created_at) end as email_verified_at
        from {schema}.mt_doc_user;
        """;

    // As Auth.js applications know their tables: names and types of drizzle's adapter, times in UTC without a zone. A common
    // table expression, because nothing can be written through one.
    private const string Views = """
        create schema if not exists {authjs};
        create view {authjs}."user" as
        with rows as (select * from {schema}.mt_doc_user)
        select id, nullif(name, '') as name,
            case when email not like '%.anonymous.invalid' and email not like '%.address.invalid' then email end as email,
            case when email_verified then coalesce(email_verified_at, created_at) at time zone 'UTC' end as "emailVerified",
            image
        from rows;
        create view {authjs}.account as
        with rows as (select * from {schema}.mt_doc_account where issuer <> 'local:credential')
        select user_id as "userId", coalesce(data -> 'authJs' ->> 'type', 'oauth') as type, data ->> 'providerId' as provider,
            account_id as "providerAccountId", null::text as refresh_token, null::text as access_token,
            coalesce((data -> 'authJs' ->> 'expiresAt')::bigint, extract(epoch from (data ->> 'accessTokenExpiresAt')::timestamptz)::bigint) as expires_at,
            data -> 'authJs' ->> 'tokenType' as token_type,
            coalesce(data -> 'authJs' ->> 'scope', replace(data ->> 'scope', ',', ' ')) as scope,
            null::text as id_token, data -> 'authJs' ->> 'sessionState' as session_state
        from rows;
        create view {authjs}."verificationToken" as
        with rows as (select user_id, expires_at from {schema}.mt_doc_verification where purpose = 'authjs')
        select u.email as identifier, null::text as token, rows.expires_at at time zone 'UTC' as expires
        from rows left join {schema}.mt_doc_user u on u.id = rows.user_id;
        create view {authjs}.authenticator as
        with rows as (
            select *, translate(credential_id, '-_', '+/') || repeat('=', (4 - length(credential_id) % 4) % 4) as name from {schema}.mt_doc_passkey)
        select name as "credentialID", user_id as "userId", name as "providerAccountId", data ->> 'publicKey' as "credentialPublicKey", counter,
            case when (data ->> 'isSynced')::boolean then 'multiDevice' else 'singleDevice' end as "credentialDeviceType",
            (data ->> 'backedUp')::boolean as "credentialBackedUp", nullif(data ->> 'transports', '') as transports
        from rows;
        """;

    public static void AddAdapter(this IServiceCollection services)
    {
        services.AddScoped<AdapterUsers>();
        services.AddScoped<Orphans>();
    }

    public static void StoreAdapter(this StoreOptions store)
    {
        store.Events.MapEventType<UserEmailUnverified>("user.email_unverified.1").About(e => e.UserId).Because(e => e.Reason);
        store.Events.MapEventType<VerificationTokenCreated>("verification_token.created.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash));
        store.Events.MapEventType<VerificationTokenUsed>("verification_token.used.1").About(e => AddressHash.SubjectOf(e.UserId, e.AddressHash));
        store.Storage.Script("030-session-principal-verified", SessionPrincipalVerified);
        store.Storage.Script("031-authjs-views", Views);
    }
}
