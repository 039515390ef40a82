using Npgsql;

namespace Modular.Store;

/// <summary>What PostgreSQL's catalog says of a table that is about to be replaced.</summary>
internal sealed class TableCatalog(NpgsqlConnection connection)
{
    /// <summary>
    /// Whether something holds on to the table itself, which a new table of its name would lose: foreign keys either
    /// way, triggers, policies, publications, materialized views, functions.
    /// </summary>
    public async Task<bool> IsHeld(string table, CancellationToken ct) => (await Rows($"""
        select 'held' where exists (select from pg_constraint where contype = 'f' and '{table}'::regclass in (confrelid, conrelid))
            or exists (select from pg_trigger where tgrelid = '{table}'::regclass and not tgisinternal)
            or exists (select from pg_policy where polrelid = '{table}'::regclass)
            or exists (select from pg_publication_rel where prrelid = '{table}'::regclass)
            or exists (select from pg_depend where refobjid = '{table}'::regclass and classid = 'pg_proc'::regclass)
            or exists (select from pg_depend d join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
                join pg_class c on c.oid = r.ev_class where d.refobjid = '{table}'::regclass and c.relkind = 'm')
        """, ct)).Count > 0;

    /// <summary>The statement that gives one table the storage options of another, which <c>like</c> leaves out.</summary>
    public async Task<string> Options(string from, string to, CancellationToken ct) => string.Concat((await Rows(
        $"select array_to_string(reloptions, ', ') from pg_class where oid = '{from}'::regclass and reloptions is not null", ct))
        .Select(row => $"alter table {to} set ({row[0]})"));

    /// <summary>The statements that grant again what others may do with the table.</summary>
    public async Task<string> Grants(string table, CancellationToken ct) => string.Concat((await Rows($"""
        select a.privilege_type, case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
        from pg_class c, aclexplode(c.relacl) a where c.oid = '{table}'::regclass and a.grantee <> c.relowner
        """, ct)).Select(row => $"grant {row[0]} on {table} to {row[1]}; "));

    /// <summary>Types by column, without lengths.</summary>
    public async Task<Dictionary<string, string>> Types(string table, CancellationToken ct) => (await Rows(
        $"select attname, format_type(atttypid, null) from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped", ct))
        .ToDictionary(row => row[0], row => row[1]);

    /// <summary>Defaults by column, as SQL.</summary>
    public async Task<Dictionary<string, string>> Defaults(string table, CancellationToken ct) => (await Rows($"""
        select a.attname, pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
        join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where d.adrelid = '{table}'::regclass and a.attgenerated = ''
        """, ct)).ToDictionary(row => row[0], row => row[1]);

    /// <summary>The views that show the table directly.</summary>
    public async Task<List<(string Name, string Options, string Definition)>> Views(string table, CancellationToken ct) =>
        [.. (await Rows($"""
        select distinct format('%I.%I', n.nspname, c.relname),
            coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''), pg_get_viewdef(c.oid)
        from pg_depend d
        join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
        join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
        where d.refobjid = '{table}'::regclass and c.relkind = 'v' order by 1
        """, ct)).Select(row => (row[0], row[1], row[2]))];

    /// <summary>
    /// Which index of one table is which of the other: <c>like</c> names indexes by itself, and the live names are what
    /// refusals are declared by.
    /// </summary>
    public async Task<List<(string Shadow, string Live)>> MatchingIndexes(string shadow, string live, CancellationToken ct)
    {
        var made = await Indexes(shadow, ct);
        var wanted = await Indexes(live, ct);
        return [.. made.Join(wanted, row => row[1], row => row[1], (one, other) => (one[0], other[0]))];
    }

    private Task<List<string[]>> Indexes(string table, CancellationToken ct) => Rows($"""
        select name, shape || row_number() over (partition by shape order by oid) from (
            select quote_ident(c.relname) as name, c.oid,
                split_part(pg_get_indexdef(c.oid), ' USING ', 2) || i.indisunique || i.indisprimary as shape
            from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = '{table}'::regclass) found
        """, ct);

    private async Task<List<string[]>> Rows(string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var rows = await command.ExecuteReaderAsync(ct);
        var found = new List<string[]>();
        while (await rows.ReadAsync(ct))
            found.Add([.. Enumerable.Range(0, rows.FieldCount).Select(rows.GetString)]);
        return found;
    }
}
