using Npgsql;

namespace Modular.Store;

/// <summary>A table that the migrations make.</summary>
/// <param name="Columns">Those that are written, as identifiers of SQL.</param>
/// <param name="Key">The columns of its primary key.</param>
internal sealed record OwnTable(string Schema, string Name, string[] Columns, string[] Key)
{
    public string QualifiedName => $"{Schema}.{Name}";
}

/// <summary>
/// The tables and sequences that the migrations make, as PostgreSQL's catalog shows them: built beside the real ones,
/// in a transaction that is rolled back. What others keep in the same schemas, and what a rebuild fills, is not ours.
/// </summary>
internal sealed record OwnTables(IReadOnlyList<OwnTable> Tables, IReadOnlyList<(string Schema, string Name)> Sequences)
{
    private const string Prefix = "modular_expected_";

    public static async Task<OwnTables> Of(NpgsqlConnection connection, StoreRegistry registry, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var schemas = new HashSet<string>();
        foreach (var step in ModuleDdl.Steps(registry).Prepend(ModuleDdl.Bookkeeping))
        {
            await using var build = new NpgsqlCommand(
                ModuleDdl.Resolve(step, name =>
                {
                    schemas.Add(Prefix + name);
                    return Prefix + name;
                }),
                connection,
                transaction);
            await build.ExecuteNonQueryAsync(ct);
        }

        var found = new OwnTables(await ReadTables(connection, [.. schemas], ct), await ReadSequences(connection, [.. schemas], ct));
        await transaction.RollbackAsync(ct);
        return found;
    }

    /// <summary>The partitions that a table has.</summary>
    public static async Task<List<string>> Partitions(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass order by 1", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
        await using var rows = await command.ExecuteReaderAsync(ct);
        var names = new List<string>();
        while (await rows.ReadAsync(ct))
            names.Add(rows.GetString(0));
        return names;
    }

    private static async Task<List<OwnTable>> ReadTables(NpgsqlConnection connection, string[] schemas, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            select n.nspname, c.relname,
                array(select quote_ident(attname) from pg_attribute
                    where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' order by attnum),
                array(select quote_ident(a.attname) from pg_index i
                    cross join lateral unnest(i.indkey) with ordinality as k (number, place)
                    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
                    where i.indrelid = c.oid and i.indisprimary order by k.place)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition
            order by n.nspname, c.relname
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = schemas });
        await using var rows = await command.ExecuteReaderAsync(ct);
        var tables = new List<OwnTable>();
        while (await rows.ReadAsync(ct))
        {
            tables.Add(new OwnTable(
                rows.GetString(0)[Prefix.Length..], rows.GetString(1), rows.GetFieldValue<string[]>(2), rows.GetFieldValue<string[]>(3)));
        }

        return tables;
    }

    private static async Task<List<(string Schema, string Name)>> ReadSequences(NpgsqlConnection connection, string[] schemas, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select schemaname, sequencename from pg_sequences where schemaname = any($1) order by 1, 2", connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = schemas });
        await using var rows = await command.ExecuteReaderAsync(ct);
        var sequences = new List<(string, string)>();
        while (await rows.ReadAsync(ct))
            sequences.Add((rows.GetString(0)[Prefix.Length..], rows.GetString(1)));
        return sequences;
    }
}
