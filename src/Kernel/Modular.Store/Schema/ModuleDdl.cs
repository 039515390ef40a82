using System.Text.RegularExpressions;

namespace Modular.Store;

/// <summary>One step of a schema: what it is called, what it runs, and whether it may run again after it changed.</summary>
/// <param name="Schema">The module, or <c>store</c>.</param>
/// <param name="Name">Permanent; steps of one schema are applied in their order.</param>
/// <param name="Sql">DDL with <c>{schema}</c> and other placeholders for schema names.</param>
/// <param name="Repeatable">Made by the store and written to be applied again; a module's script is not.</param>
internal sealed record SchemaStep(string Schema, string Name, string Sql, bool Repeatable);

/// <summary>The DDL of everything registered.</summary>
internal static partial class ModuleDdl
{
    /// <summary>Where it is kept which steps are applied; comes before the first of them, and is none itself.</summary>
    public static readonly SchemaStep Bookkeeping = new(
        "store",
        "migrations",
        """
        create schema if not exists {schema};
        create table if not exists {schema}.migrations (
            schema text not null, name text not null, checksum text not null,
            applied_at timestamptz not null default now(), primary key (schema, name));
        """,
        Repeatable: true);

    private const string Foundation = """
        create schema if not exists {schema};
        create table if not exists {schema}.epoch (
            only_row boolean primary key default true check (only_row),
            epoch integer not null);
        insert into {schema}.epoch (epoch) values (1) on conflict do nothing;
        create table if not exists {schema}.modules (name text primary key);
        create table if not exists {schema}.event_types (
            module text not null, name text not null, primary key (module, name));
        create table if not exists {schema}.subject_keys (
            subject text collate "C" primary key,
            wrapped bytea,
            created timestamptz not null default now(),
            shredded timestamptz);
        create table if not exists {schema}.keys (
            name text collate "C" primary key,
            wrapped bytea not null,
            created timestamptz not null default now(),
            wrapped_at timestamptz not null default now());
        create sequence if not exists {schema}.event_sequence;
        create or replace function {schema}.expect(actual bigint, expected bigint, what text) returns void
        language plpgsql as $body$
        begin
            if actual <> expected then
                raise exception using errcode = 'MT001',
                    message = format('%s touched %s rows instead of %s', what, actual, expected);
            end if;
        end $body$;
        create or replace function {schema}.refuse_older(stream text) returns bigint
        language plpgsql as $body$
        begin
            raise exception using errcode = 'MT002',
                message = format('stream %s was appended to by a younger transaction', stream);
        end $body$;
        create or replace function {schema}.enter_epoch() returns integer
        language plpgsql as $body$
        declare
            module text;
            current_epoch integer;
            beyond boolean;
        begin
            select epoch into current_epoch from {schema}.epoch;
            for module in select name from {schema}.modules loop
                execute format('select exists (select from %I.mt_events '
                    || 'where epoch = $1 and xact >= pg_snapshot_xmax(pg_current_snapshot()))', module)
                    into beyond using current_epoch;
                if beyond then
                    update {schema}.epoch set epoch = current_epoch + 1 where epoch = current_epoch;
                    select epoch into current_epoch from {schema}.epoch;
                    exit;
                end if;
            end loop;
            return current_epoch;
        end $body$;
        """;

    private const string EventTables = """
        create schema if not exists {schema};
        create table if not exists {schema}.mt_streams (
            id text collate "C" primary key,
            type text,
            version bigint not null,
            last_epoch integer not null default 1,
            last_xact xid8 not null,
            timestamp timestamptz not null,
            created timestamptz not null) with (fillfactor = 80);
        alter table {schema}.mt_streams add column if not exists last_epoch integer not null default 1;
        create table if not exists {schema}.mt_events (
            seq_id bigint not null default nextval('{store}.event_sequence'),
            id uuid not null,
            stream_id text collate "C" not null,
            version bigint not null,
            type text collate "C" not null,
            timestamp timestamptz not null,
            data jsonb not null,
            canonical bytea not null,
            epoch integer not null,
            xact xid8 not null default pg_current_xact_id(),
            constraint mt_events_pkey primary key (epoch, xact, seq_id),
            constraint mt_events_stream_and_version unique (stream_id, version));
        create table if not exists {schema}.mt_event_progression (
            name text primary key,
            epoch integer not null,
            xact xid8 not null,
            module text collate "C" not null,
            seq_id bigint not null,
            last_updated timestamptz not null default now());
        insert into {store}.modules (name) values ('{schema}') on conflict do nothing;
        """;

    /// <summary>Every step, in the order they are applied.</summary>
    public static IEnumerable<SchemaStep> Steps(StoreRegistry registry)
    {
        yield return new SchemaStep("store", "foundation", Foundation, Repeatable: true);
        foreach (var module in registry.Modules)
        {
            var schema = module.DatabaseSchemaName;
            yield return new SchemaStep(schema, "events", EventTables, Repeatable: true);
            foreach (var document in module.Schema.All)
            {
                yield return new SchemaStep(
                    schema, document.TableName, DocumentTable(document, "{schema}", document.TableName), Repeatable: true);
            }

            foreach (var flat in module.Projections.All)
            {
                if (flat is FlatTableProjection && flat.CreateTable("{schema}", flat.Table.Table) is { Length: > 0 } ddl)
                    yield return new SchemaStep(schema, flat.Table.Table, ddl, Repeatable: true);
            }
        }

        // Scripts come last: they may speak of any module's tables.
        foreach (var module in registry.Modules)
        {
            foreach (var (name, sql) in module.Storage.Scripts)
                yield return new SchemaStep(module.DatabaseSchemaName, name, sql, Repeatable: false);
        }
    }

    /// <summary>Puts schema names into a step: <c>{schema}</c> is its own.</summary>
    public static string Resolve(SchemaStep step, Func<string, string> schemaName) => Placeholder().Replace(
        step.Sql, match => schemaName(match.Groups[1].Value == "schema" ? step.Schema : match.Groups[1].Value));

    /// <summary>Every schema that a step names.</summary>
    public static IReadOnlySet<string> Schemas(StoreRegistry registry)
    {
        var schemas = new HashSet<string>();
        foreach (var step in Steps(registry))
        {
            Resolve(step, name =>
            {
                schemas.Add(name);
                return name;
            });
        }

        return schemas;
    }

    public static string DocumentTable(DocumentMapping document, string schema, string table)
    {
        var statements = new List<string>
        {
            $"""
            create table if not exists {schema}.{table} (
                id text collate "C" not null,
                data jsonb not null,
                mt_last_modified timestamptz not null,
                mt_version bigint not null,
                constraint {table}_pkey primary key (id)) with (fillfactor = 80);
            """,
        };
        statements.AddRange(document.Duplicated.Select(column =>
            $"alter table {schema}.{table} add column if not exists {column.Name} {column.PgType};"));
        statements.AddRange(document.Indexes.Select(index =>
            $"create {(index.Unique ? "unique " : "")}index if not exists {index.Name} on {schema}.{table} ({index.Expression})"
            + (index.Predicate is { } predicate ? $" where {predicate};" : ";")));
        return string.Join('\n', statements);
    }

    public static string FlatTable(IReadOnlyList<TableColumn> columns, string schema, string table)
    {
        var statements = new List<string>
        {
            $"create table if not exists {schema}.{table} ({columns[0].Name} {columns[0].PgType} not null, constraint {table}_pkey primary key ({columns[0].Name}));",
        };
        statements.AddRange(columns.Skip(1).Select(column =>
            $"alter table {schema}.{table} add column if not exists {column.Name} {column.PgType} {column.Definition};"));
        return string.Join('\n', statements);
    }

    [GeneratedRegex(@"\{([a-z_]+)\}")]
    private static partial Regex Placeholder();
}
