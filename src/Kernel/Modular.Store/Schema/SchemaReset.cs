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

    /// <summary>Everything that <see cref="Drop(CancellationToken)"/> touches.</summary>
    public IReadOnlyList<string> Schemas { get; }

    private IEnumerable<string> Own => _registry.Modules.Select(module => module.DatabaseSchemaName).Append("store");

    /// <summary>Drops it all in one transaction. Fails when a running server holds a table for long.</summary>
    public async Task Drop(CancellationToken ct = default)
    {
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        var published = await Published(connection, ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Drop(connection, published, ct);
        await transaction.CommitAsync(ct);
        // Prepared statements and the epoch belong to the tables that are gone.
        _database.Pooled.Clear();
        _database.Direct.Clear();
    }

    /// <summary>The same within a transaction of the caller's.</summary>
    internal async Task Drop(
        NpgsqlConnection connection, IReadOnlyList<(string Schema, string Table, bool IsView)> published, CancellationToken ct)
    {
        await Execute(connection, "set local lock_timeout = '10s'", ct);
        foreach (var schema in Own)
            await Execute(connection, $"drop schema if exists {schema} cascade", ct);
        foreach (var (schema, table, isView) in published)
            await Execute(connection, $"drop {(isView ? "view" : "table")} if exists {schema}.{table} cascade", ct);
        foreach (var schema in Schemas.Except(Own))
            await DropIfEmpty(connection, schema, ct);
    }

    /// <summary>What the migrations make in schemas that are not ours alone: built beside the real ones and rolled back.</summary>
    internal async Task<IReadOnlyList<(string Schema, string Table, bool IsView)>> Published(NpgsqlConnection connection, CancellationToken ct)
    {
        string[] schemas = [.. Schemas.Except(Own)];
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
