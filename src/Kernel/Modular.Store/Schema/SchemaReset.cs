using Npgsql;

namespace Modular.Store;

/// <summary>
/// Drops what the migrations made. The schemas of the modules and of the store go whole; of a schema that a module only
/// publishes into, and that may hold tables of others, only what the migrations made there.
/// </summary>
public sealed class SchemaReset
{
    private const string Prefix = "modular_expected_";

    private readonly StoreDatabase _database;
    private readonly StoreRegistry _registry;

    internal SchemaReset(StoreDatabase database, StoreRegistry registry)
    {
        _database = database;
        _registry = registry;
        Schemas = [.. ModuleDdl.Schemas(registry).Order(StringComparer.Ordinal)];
    }

    /// <summary>Everything that <see cref="Drop"/> touches.</summary>
    public IReadOnlyList<string> Schemas { get; }

    /// <summary>Drops it all in one transaction. Fails when a running server holds a table for long.</summary>
    public async Task Drop(CancellationToken ct = default)
    {
        var own = _registry.Modules.Select(module => module.DatabaseSchemaName).Append("store").ToList();
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        var published = await Published([.. Schemas.Except(own)], connection, ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Execute(connection, "set local lock_timeout = '10s'", ct);
        foreach (var schema in own)
            await Execute(connection, $"drop schema if exists {schema} cascade", ct);
        foreach (var (schema, table, isView) in published)
            await Execute(connection, $"drop {(isView ? "view" : "table")} if exists {schema}.{table} cascade", ct);
        foreach (var schema in Schemas.Except(own))
            await DropIfEmpty(connection, schema, ct);
        await transaction.CommitAsync(ct);
        // Prepared statements and the epoch belong to the tables that are gone.
        _database.Pooled.Clear();
        _database.Direct.Clear();
    }

    /// <summary>What the migrations make in these schemas: built beside the real ones and rolled back.</summary>
    private async Task<List<(string Schema, string Table, bool IsView)>> Published(string[] schemas, NpgsqlConnection connection, CancellationToken ct)
    {
        var made = new List<(string, string, bool)>();
        if (schemas.Length == 0)
            return made;
        await using var transaction = await connection.BeginTransactionAsync(ct);
        foreach (var step in ModuleDdl.Steps(_registry))
            await Execute(connection, ModuleDdl.Resolve(step, name => Prefix + name), ct);
        await using (var query = new NpgsqlCommand(
            "select n.nspname, c.relname, c.relkind = 'v' from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            + "where n.nspname = any($1) and c.relkind in ('r', 'p', 'v')", connection))
        {
            query.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. schemas.Select(name => Prefix + name)] });
            await using var rows = await query.ExecuteReaderAsync(ct);
            while (await rows.ReadAsync(ct))
                made.Add((rows.GetString(0)[Prefix.Length..], rows.GetString(1), rows.GetBoolean(2)));
        }

        await transaction.RollbackAsync(ct);
        return made;
    }

    private static async Task DropIfEmpty(NpgsqlConnection connection, string schema, CancellationToken ct)
    {
        await using var left = new NpgsqlCommand(
            "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1) "
            + "or exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = $1)", connection);
        left.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
        if (await left.ExecuteScalarAsync(ct) is not true)
            await Execute(connection, $"drop schema if exists {schema}", ct);
    }

    private static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
