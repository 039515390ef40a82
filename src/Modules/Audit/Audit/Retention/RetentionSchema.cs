namespace Modular.Audit;

/// <summary>What stays of partitions that are dropped, and how one is.</summary>
internal static class RetentionSchema
{
    // How many positions a partition has is said in one place of the database, so that a test can say fewer.
    public const string Sql = """
        create function {schema}.partition_bits() returns integer language sql immutable as $body$ select 20 $body$;

        create or replace function {schema}.make_partition(number bigint) returns void language plpgsql as $body$
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
                partition, number << {schema}.partition_bits(), (number + 1) << {schema}.partition_bits());
        end $body$;

        -- One row for every partition that was dropped: where the log begins then, the last event that is not in it any more,
        -- and the right edge and root of the tree that stands on the entries before.
        create table {schema}.boundaries (
            position bigint primary key,
            epoch integer not null,
            xact xid8 not null,
            module text collate "C" not null,
            sequence bigint not null,
            edge bytea[] not null,
            root bytea not null,
            newest timestamptz not null,
            dropped_at timestamptz not null);

        -- The oldest alone, never the one that grows, and only behind the boundary that says what was in it.
        create function {schema}.drop_partition(number bigint) returns void language plpgsql as $body$
        declare
            behind bigint := (number + 1) << {schema}.partition_bits();
        begin
            if exists (select from {schema}.entries where position < (number << {schema}.partition_bits()))
                or not exists (select from {schema}.entries where position >= behind)
                or not exists (select from {schema}.boundaries where position = behind) then
                raise exception using errcode = 'restrict_violation',
                    message = format('Partition %s of the audit log is not the oldest, or is the newest, or has no boundary.', number);
            end if;
            execute format('drop table {schema}.%I', 'entries_' || lpad(number::text, 5, '0'));
        end $body$;
        """;

    /// <summary>Rows are added and nothing else, as with the tables of the proof.</summary>
    public const string Refuse = """
        create trigger boundaries_refuse before update or delete or truncate on {schema}.boundaries
            for each statement execute function {schema}.refuse_change();
        alter table {schema}.boundaries enable always trigger boundaries_refuse;
        """;
}
