namespace Modular.Audit;

/// <summary>The tables of the log; what each is for is in docs/audit.md.</summary>
internal static class LogSchema
{
    /// <summary>Partitions of 2²⁰ positions, so that a dropped one is one Merkle subtree (DESIGN §7).</summary>
    public const string Entries = """
        create table {schema}.entries (
            position bigint not null,
            event_id uuid not null,
            epoch integer not null,
            xact xid8 not null,
            module text collate "C" not null,
            sequence bigint not null,
            canonical bytea not null,
            leaf bytea not null,
            constraint entries_pkey primary key (position)) partition by range (position);

        create function {schema}.refuse_change() returns trigger language plpgsql as $body$
        begin
            raise exception using errcode = 'restrict_violation',
                message = format('%s of %I.%I is refused: the audit log only grows.', tg_op, tg_table_schema, tg_table_name);
        end $body$;

        -- Per row, because PostgreSQL hands these to every partition; per statement for what touches no row, and TRUNCATE.
        -- Always: session_replication_role = replica does not switch them off.
        create trigger entries_refuse_row before update or delete on {schema}.entries
            for each row execute function {schema}.refuse_change();
        create trigger entries_refuse_statement before update or delete or truncate on {schema}.entries
            for each statement execute function {schema}.refuse_change();
        alter table {schema}.entries enable always trigger entries_refuse_row;
        alter table {schema}.entries enable always trigger entries_refuse_statement;

        -- Made apart and attached, because CREATE TABLE … PARTITION OF would lock out readers of the whole log.
        create function {schema}.make_partition(number bigint) returns void language plpgsql as $body$
        declare
            partition text := 'entries_' || lpad(number::text, 5, '0');
        begin
            if to_regclass(format('{schema}.%I', partition)) is not null then
                return;
            end if;
            execute format('create table {schema}.%I (like {schema}.entries including all)', partition);
            execute format('create trigger entries_refuse_statement before update or delete or truncate on {schema}.%I '
                || 'for each statement execute function {schema}.refuse_change()', partition);
            execute format('alter table {schema}.%I enable always trigger entries_refuse_statement', partition);
            execute format('alter table {schema}.entries attach partition {schema}.%I for values from (%s) to (%s)',
                partition, number << 20, (number + 1) << 20);
        end $body$;
        select {schema}.make_partition(0);
        select {schema}.make_partition(1);
        """;

    /// <summary>Makes the partition of a name, as <c>make_partition</c> named it.</summary>
    public const string PartitionByName = "select {schema}.make_partition(substr($1, length('entries_') + 1)::bigint)";

    /// <summary>What the administrators of an organization may see of it; as the index has it.</summary>
    public const string OfOrganizations = "(starts_with(type, 'organization') or starts_with(type, 'team.'))";

    /// <summary>What is looked for by one exact value has a hash: half of an ordered index, and nothing is ordered by it.</summary>
    public const string SearchColumns = $$"""
        create index search_reason on {schema}.search (reason, position) where reason is not null;
        create index search_request on {schema}.search using hash (request) where request is not null;
        create index search_stream on {schema}.search using hash (stream);
        create index search_users on {schema}.search (subject, time) where type = 'user.registered.1';
        create index search_users_gone on {schema}.search (subject, time) where type = 'user.deleted.1';
        create index search_of_organization on {schema}.search (organization, position)
            where organization is not null and {{OfOrganizations}};
        """;

    public const string Search = """
        create table {schema}.search (
            position bigint not null,
            time timestamptz not null,
            module text collate "C" not null,
            type text collate "C" not null,
            outcome text collate "C" not null,
            reason text collate "C",
            actor text collate "C",
            subject text collate "C",
            session text collate "C",
            organization text collate "C",
            ip inet,
            user_agent text,
            request text collate "C",
            stream text collate "C" not null,
            words text not null,
            constraint search_pkey primary key (position));
        create index search_time on {schema}.search (time, position);
        create index search_module on {schema}.search (module, position);
        create index search_type on {schema}.search (type, position);
        create index search_refused on {schema}.search (position) where outcome = 'refused';
        create index search_actor on {schema}.search (actor, position) where actor is not null;
        create index search_subject on {schema}.search (subject, position) where subject is not null;
        create index search_session on {schema}.search (session, position) where session is not null;
        create index search_organization on {schema}.search (organization, position) where organization is not null;
        create index search_ip on {schema}.search (ip, position) where ip is not null;
        create index search_words on {schema}.search using gin (to_tsvector('simple', words));
        """;
}
