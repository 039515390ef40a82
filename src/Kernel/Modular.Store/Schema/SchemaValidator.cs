using System.Text.RegularExpressions;
using Npgsql;

namespace Modular.Store;

/// <summary>Something in the database that is not as this version expects, in one sentence.</summary>
public sealed record SchemaDifference(string Schema, string Name, string Sentence);

/// <summary>
/// Says what differs between the database and what this version would make: it builds the expected schema beside the
/// real one, in a transaction that is rolled back, and compares what PostgreSQL's catalog says of both.
/// </summary>
public sealed class SchemaValidator
{
    private const string Prefix = "modular_expected_";

    private const string Catalog = """
        with wanted as (select oid, nspname from pg_namespace where nspname = any($1))
        select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
            n.nspname, c.relname, '', coalesce(case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end, '')
        from pg_class c join wanted n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'S')
        union all
        select 'column', n.nspname, c.relname, a.attname,
            format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
            || case when a.attgenerated = 's' then ' generated' else '' end
            || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        from pg_attribute a join pg_class c on c.oid = a.attrelid join wanted n on n.oid = c.relnamespace
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')
        union all
        select 'index', n.nspname, t.relname, c.relname, pg_get_indexdef(c.oid)
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
        join wanted n on n.oid = c.relnamespace
        where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
        union all
        select 'constraint', n.nspname, t.relname, k.conname, pg_get_constraintdef(k.oid)
        from pg_constraint k join pg_class t on t.oid = k.conrelid join wanted n on n.oid = k.connamespace
        where k.contype <> 'n'
        union all
        select 'trigger', n.nspname, c.relname, g.tgname, pg_get_triggerdef(g.oid) || case g.tgenabled when 'D' then ' (disabled)' else '' end
        from pg_trigger g join pg_class c on c.oid = g.tgrelid join wanted n on n.oid = c.relnamespace where not g.tgisinternal
        union all
        select 'function', n.nspname, p.proname, '', pg_get_functiondef(p.oid)
        from pg_proc p join wanted n on n.oid = p.pronamespace where p.prokind = 'f'
        """;

    private readonly StoreDatabase _database;
    private readonly StoreRegistry _registry;

    internal SchemaValidator(StoreDatabase database, StoreRegistry registry)
    {
        _database = database;
        _registry = registry;
    }

    /// <summary>Everything that is missing or different; empty when the schema is right. Objects of others are not looked at.</summary>
    public async Task<IReadOnlyList<SchemaDifference>> Validate(CancellationToken ct = default)
    {
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var schemas = new HashSet<string>();
        foreach (var step in ModuleDdl.Steps(_registry))
        {
            var sql = ModuleDdl.Resolve(step, name =>
            {
                schemas.Add(name);
                return Prefix + name;
            });
            await using var build = new NpgsqlCommand(sql, connection, transaction);
            await build.ExecuteNonQueryAsync(ct);
        }

        var expected = await Read(connection, [.. schemas.Select(name => Prefix + name)], ct);
        var actual = await Read(connection, [.. schemas], ct);
        await transaction.RollbackAsync(ct);
        return [.. Compare(expected, actual)];
    }

    private static IEnumerable<SchemaDifference> Compare(
        Dictionary<(string Kind, string Schema, string Name, string Part), string> expected,
        Dictionary<(string Kind, string Schema, string Name, string Part), string> actual)
    {
        var relations = actual.Keys.Where(key => key.Part.Length == 0).Select(key => (key.Schema, key.Name)).ToHashSet();
        var lost = expected.Keys.Where(key => key.Kind == "column" && !actual.ContainsKey(key)).ToLookup(key => (key.Schema, key.Name), key => key.Part);
        foreach (var ((kind, schema, name, part), wanted) in expected)
        {
            var what = part.Length == 0 ? $"{schema}.{name}" : $"{schema}.{name}.{part}";
            // A missing table says enough: not each of its columns as well. Nor what went with a missing column.
            if (part.Length > 0 && !relations.Contains((schema, name)))
                continue;
            var found = actual.GetValueOrDefault((kind, schema, name, part));
            if (found is null && part.Length > 0 && kind != "column" && lost[(schema, name)].Any(column => Mentions(wanted, column)))
                continue;
            if (Sentence(kind, what, wanted, found) is { } sentence)
                yield return new SchemaDifference(schema, what, sentence);
        }
    }

    private static string? Sentence(string kind, string what, string wanted, string? found) => found switch
    {
        null => $"The {kind} {what} is missing.",
        _ when found == wanted => null,
        _ when found == $"{wanted} (disabled)" => $"The {kind} {what} is disabled.",
        _ when kind is "view" or "materialized view" or "function" => $"The {kind} {what} is not defined as this version defines it.",
        _ => $"The {kind} {what} is \"{found}\", expected \"{wanted}\".",
    };

    private static bool Mentions(string definition, string column) => Regex.IsMatch(definition, $@"\b{Regex.Escape(column)}\b");

    private static async Task<Dictionary<(string Kind, string Schema, string Name, string Part), string>> Read(
        NpgsqlConnection connection, string[] schemas, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(Catalog, connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = schemas });
        await using var rows = await command.ExecuteReaderAsync(ct);
        var found = new Dictionary<(string, string, string, string), string>();
        while (await rows.ReadAsync(ct))
        {
            var schema = rows.GetString(1).Replace(Prefix, "", StringComparison.Ordinal);
            found[(rows.GetString(0), schema, rows.GetString(2), rows.GetString(3))] =
                rows.GetString(4).Replace(Prefix, "", StringComparison.Ordinal);
        }

        return found;
    }
}
