using Npgsql;
using NpgsqlTypes;

namespace Modular.Store;

/// <summary>The table that a rebuild fills beside the live one, and the switch between the two.</summary>
internal sealed class ShadowTable(NpgsqlConnection connection, ITableProjection projection)
{
    private const string Suffix = "_rebuild";

    private readonly string _columns = string.Join(", ", projection.Columns.Select(column => column.Name));
    private readonly string _live = $"{projection.Table.Schema}.{projection.Table.Table}";
    private readonly string _shadow = $"{projection.Table.Schema}.{projection.Table.Table}{Suffix}";

    public NpgsqlConnection Connection => connection;

    private string Key => projection.Columns[0].Name;

    public async Task<bool> Lock(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 8))", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _live });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    // With its indexes from the start: making one later on a large table is a transaction that holds the feed back.
    // Streams arrive in the order of their keys, so the indexes grow at their right edge.
    public Task Create(CancellationToken ct) => Execute(
        $"set statement_timeout = 0; drop table if exists {_shadow}; create table {_shadow} (like {_live} including all)", ct);

    /// <summary>Begins a COPY into the shadow; whoever completes it commits what it copied.</summary>
    public async Task<RowCopy> BeginCopy(CancellationToken ct) => new(
        await connection.BeginBinaryImportAsync($"copy {_shadow} ({_columns}) from stdin (format binary)", ct), projection.Columns);

    public async Task Merge(IEnumerable<(object Key, object?[]? Row)> rows, CancellationToken ct)
    {
        await using var npgsql = new NpgsqlBatch(connection);
        var batch = new StoreBatch(npgsql);
        foreach (var (key, row) in rows)
        {
            batch.Write(row is null
                ? new RowDelete(_shadow, projection.Columns[0], key)
                : new RowUpsert(_shadow, projection.Columns, row));
        }

        if (npgsql.BatchCommands.Count > 0)
            await npgsql.ExecuteNonQueryAsync(ct);
    }

    public Task LockLive(CancellationToken ct) =>
        Execute($"set local lock_timeout = '5s'; lock table {_live} in access exclusive mode", ct);

    /// <summary>Rows that are in one table and not, byte for byte, in the other.</summary>
    public async Task<long> CountDifferences(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"select count(*) from (select {_columns} from {_live}) l full join (select {_columns} from {_shadow}) s using ({Key}) where (l.*)::text is distinct from (s.*)::text", connection);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    public async Task<long> CountLive(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"select count(*) from {_live}", connection);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Makes the shadow the live table; a table that others reference keeps its identity and takes over the rows.</summary>
    public async Task TakeOver(CancellationToken ct)
    {
        if (await IsReferenced(ct))
        {
            var sets = string.Join(", ", projection.Columns.Skip(1).Select(column => $"{column.Name} = excluded.{column.Name}"));
            await Execute(
                $"insert into {_live} ({_columns}) select {_columns} from {_shadow} on conflict ({Key}) do update set {sets}; "
                + $"delete from {_live} l where not exists (select from {_shadow} s where s.{Key} = l.{Key}); drop table {_shadow}", ct);
            return;
        }

        // Views hold on to the table they were made on, so each is made again on the table that has the name now.
        var views = await Views(ct);
        var indexes = await IndexNames(ct);
        var (schema, table) = projection.Table;
        await Execute(
            $"alter table {_live} rename to {table}_replaced; alter table {_shadow} rename to {table}; "
            + string.Concat(views.Select(view => $"create or replace view {view.Name} as {view.Definition} "))
            + $"drop table {schema}.{table}_replaced; "
            + string.Concat(indexes.Select(index => $"alter index {schema}.{index.Shadow} rename to {index.Live}; ")), ct);
    }

    public async Task Drop()
    {
        if (connection.State == System.Data.ConnectionState.Open)
            await Execute($"drop table if exists {_shadow}", CancellationToken.None);
    }

    private async Task Execute(string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<bool> IsReferenced(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"select exists (select from pg_constraint where contype = 'f' and confrelid = '{_live}'::regclass)", connection);
        return await command.ExecuteScalarAsync(ct) is true;
    }

    private async Task<List<(string Name, string Definition)>> Views(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select distinct format('%I.%I', n.nspname, c.relname), pg_get_viewdef(c.oid)
            from pg_depend d
            join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
            join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
            where d.refobjid = '{_live}'::regclass and c.relkind = 'v'
            """, connection);
        var views = new List<(string, string)>();
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            views.Add((rows.GetString(0), rows.GetString(1)));
        return views;
    }

    // "like including all" names indexes by itself; the live names are what refusals are declared by.
    private async Task<List<(string Shadow, string Live)>> IndexNames(CancellationToken ct)
    {
        var live = await Indexes(_live, ct);
        var shadow = await Indexes(_shadow, ct);
        return [.. shadow.Join(live, index => index.Shape, index => index.Shape, (made, wanted) => (made.Name, wanted.Name))];
    }

    private async Task<List<(string Name, string Shape)>> Indexes(string table, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            select c.relname, split_part(pg_get_indexdef(c.oid), ' USING ', 2) || i.indisunique || i.indisprimary
            from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = '{table}'::regclass
            """, connection);
        var indexes = new List<(string, string)>();
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            indexes.Add((rows.GetString(0), rows.GetString(1)));
        return indexes;
    }
}

/// <summary>One COPY: a transaction of its own.</summary>
internal sealed class RowCopy(NpgsqlBinaryImporter importer, IReadOnlyList<TableColumn> columns) : IAsyncDisposable
{
    private static readonly Dictionary<string, NpgsqlDbType> Known = new()
    {
        ["text"] = NpgsqlDbType.Text,
        ["jsonb"] = NpgsqlDbType.Jsonb,
        ["uuid"] = NpgsqlDbType.Uuid,
        ["timestamptz"] = NpgsqlDbType.TimestampTz,
        ["bigint"] = NpgsqlDbType.Bigint,
        ["integer"] = NpgsqlDbType.Integer,
        ["boolean"] = NpgsqlDbType.Boolean,
        ["bytea"] = NpgsqlDbType.Bytea,
    };

    private readonly NpgsqlDbType?[] _types =
        [.. columns.Select(column => Known.TryGetValue(column.PgType, out var type) ? type : (NpgsqlDbType?)null)];

    public ValueTask DisposeAsync() => importer.DisposeAsync();

    public async Task Write(object?[] row, CancellationToken ct)
    {
        await importer.StartRowAsync(ct);
        for (var at = 0; at < row.Length; at++)
            await Write(row[at], at, ct);
    }

    public async Task Complete(CancellationToken ct) => await importer.CompleteAsync(ct);

    // By its own type: a value that travels as object is looked up anew for every row.
    private Task Write(object? value, int column, CancellationToken ct) => (value, _types[column]) switch
    {
        (null or DBNull, _) => importer.WriteNullAsync(ct),
        (_, null) => importer.WriteAsync(value, columns[column].PgType, ct),
        (string text, { } type) => importer.WriteAsync(text, type, ct),
        (int number, { } type) => importer.WriteAsync(number, type, ct),
        (long number, { } type) => importer.WriteAsync(number, type, ct),
        (Guid id, { } type) => importer.WriteAsync(id, type, ct),
        (DateTime time, { } type) => importer.WriteAsync(time, type, ct),
        (bool flag, { } type) => importer.WriteAsync(flag, type, ct),
        (byte[] bytes, { } type) => importer.WriteAsync(bytes, type, ct),
        (_, { } type) => importer.WriteAsync(value, type, ct),
    };
}
