namespace Modular.Audit;

/// <summary>The tables of the proof; what each is for is in docs/audit.md.</summary>
internal static class ProofSchema
{
    public const string Tables = """
        -- Full tiles only. Their hashes look random: compressing them is a waste.
        create table {schema}.tiles (
            level smallint not null,
            number bigint not null,
            hashes bytea not null,
            root bytea not null,
            constraint tiles_pkey primary key (level, number),
            constraint tiles_full check (octet_length(hashes) = 8192 and octet_length(root) = 32));
        alter table {schema}.tiles alter column hashes set storage external;

        create table {schema}.log (
            one boolean not null default true,
            origin text not null,
            constraint log_pkey primary key (one),
            constraint log_one check (one));

        create table {schema}.log_keys (
            number integer not null,
            public bytea not null,
            made timestamptz not null,
            constraint log_keys_pkey primary key (number));

        -- Apart from what is public, because it is wrapped anew with a new secret, and goes when a key is retired.
        create table {schema}.log_secrets (
            number integer not null,
            sealed bytea not null,
            constraint log_secrets_pkey primary key (number));

        create table {schema}.checkpoints (
            size bigint not null,
            root bytea not null,
            time timestamptz not null,
            note text not null,
            constraint checkpoints_pkey primary key (size));

        create table {schema}.cosignatures (
            size bigint not null,
            name text collate "C" not null,
            key_id bigint not null,
            time timestamptz not null,
            line text not null,
            constraint cosignatures_pkey primary key (size, name, key_id));

        do $body$
        declare
            name text;
        begin
            foreach name in array array['tiles', 'log', 'log_keys', 'checkpoints', 'cosignatures'] loop
                execute format('create trigger %I before update or delete or truncate on {schema}.%I '
                    || 'for each statement execute function {schema}.refuse_change()', name || '_refuse', name);
                execute format('alter table {schema}.%I enable always trigger %I', name, name || '_refuse');
            end loop;
        end $body$;
        """;
}
