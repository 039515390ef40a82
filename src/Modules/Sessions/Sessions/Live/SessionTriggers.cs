namespace Modular.Sessions;

/// <summary>
/// Whatever ends or alters a session tells every node in its own transaction (DESIGN §6, rule 2), whoever does it: a slice,
/// a rebuild, an operator with psql. The payload is the user's id, and PostgreSQL sends equal ones of a transaction once, so
/// ending a thousand sessions of somebody is one message. A refresh and the removal of what is over tell nobody.
/// </summary>
internal static class SessionTriggers
{
    public const string Sql = """
        create function {schema}.tell_of_session() returns trigger language plpgsql as $body$
        begin
            perform pg_notify('modular_sessions', old.user_id);
            return null;
        end $body$;
        create trigger session_ended after delete on {schema}.mt_doc_session for each row
            when (old.expires_at > now() - interval '1 minute') execute function {schema}.tell_of_session();
        create trigger session_altered after update on {schema}.mt_doc_session for each row
            when (old.data - array['updatedAt', 'expiresAt'] is distinct from new.data - array['updatedAt', 'expiresAt'] or new.expires_at < old.expires_at)
            execute function {schema}.tell_of_session();
        alter table {schema}.mt_doc_session enable always trigger session_ended;
        alter table {schema}.mt_doc_session enable always trigger session_altered;
        """;

    /// <summary>Since a check reads the columns and not the document.</summary>
    public const string OfColumns = """
        drop trigger session_altered on {schema}.mt_doc_session;
        create trigger session_altered after update on {schema}.mt_doc_session for each row
            when (old.data - array['updatedAt', 'expiresAt'] is distinct from new.data - array['updatedAt', 'expiresAt'] or new.expires_at < old.expires_at
                or (old.user_id, old.token_hash, old.handle, old.remember, old.method, old.created_at, old.ip_address, old.user_agent, old.impersonated_by, old.active_organization_id, old.active_team_id)
                is distinct from
                (new.user_id, new.token_hash, new.handle, new.remember, new.method, new.created_at, new.ip_address, new.user_agent, new.impersonated_by, new.active_organization_id, new.active_team_id))
            execute function {schema}.tell_of_session();
        alter table {schema}.mt_doc_session enable always trigger session_altered;
        """;
}
