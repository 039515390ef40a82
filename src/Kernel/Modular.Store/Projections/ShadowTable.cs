using Npgsql;
using NpgsqlTypes;

namespace Modular.Store;

/// <summary>The table that a rebuild fills beside the live one, and the switch between the two.</summary>
internal sealed class ShadowTable(NpgsqlConnection connection, ITableProjection projection)
{
    private const string Suffix = "_rebuild";

    private readonly TableCatalog _catalog = new(connection);
    private readonly string _columns = string.Join(", ", projection.Columns.Select(column => column.Name));
    private readonly string _live = $"{projection.Table.Schema}.{projection.Table.Table}";
    private readonly string _shadow = $"{projection.Table.Schema}.{projection.Table.Table}{Suffix}";
    private string[] _types = [];
    private object?[]? _defaults;

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
    public async Task Create(CancellationToken ct)
    {
        await Execute(
            $"set statement_timeout = 0; drop table if exists {_shadow}; create table {_shadow} (like {_live} including all); "
            + await _catalog.Options(_live, _shadow, ct), ct);
        var types = await _catalog.Types(_live, ct);
        _types = [.. projection.Columns.Select(column => types[column.Name])];
    }

    /// <summary>What a column holds that nothing was written to.</summary>
    public async Task<IReadOnlyList<object?>> Defaults(CancellationToken ct)
    {
        if (_defaults is not null)
            return _defaults;
        var written = await _catalog.Defaults(_live, ct);
        var values = projection.Columns.Select(column => $"({written.GetValueOrDefault(column.Name, "null")})::{column.PgType}");
        await using var command = new NpgsqlCommand($"select {string.Join(", ", values)}", connection);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return _defaults = [.. Enumerable.Range(0, projection.Columns.Count).Select(at => row.IsDBNull(at) ? null : row.GetValue(at))];
    }

    /// <summary>Begins a COPY into the shadow; whoever completes it commits what it copied.</summary>
    public async Task<RowCopy> BeginCopy(CancellationToken ct) => new(
        await connection.BeginBinaryImportAsync($"copy {_shadow} ({_columns}) from stdin (format binary)", ct), _types);

    /// <summary>So that the first queries after the switch are planned for what is there.</summary>
    public Task Analyze(CancellationToken ct) => Execute($"analyze {_shadow}", ct);

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

    /// <summary>
    /// Waits for those who write now and lets nobody else begin; readers go on. Gives up before anybody's deadlock
    /// time-out (one second) could strike, so that nobody but the rebuild is ever chosen to give way.
    /// </summary>
    public Task LockOutWriters(CancellationToken ct) =>
        Execute($"set local lock_timeout = '500ms'; lock table {_live} in exclusive mode", ct);

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

    /// <summary>Makes the shadow the live table; a table that others hold on to stays and takes over the rows.</summary>
    public async Task TakeOver(CancellationToken ct)
    {
        if (await _catalog.IsHeld(_live, ct))
            await CopyDifferences(ct);
        else
            await Rename(ct);
    }

    /// <summary>Leaves nothing behind. The server may take a moment to notice that a connection was closed, so the lock goes here.</summary>
    public async Task Drop()
    {
        if (connection.State != System.Data.ConnectionState.Open)
            return;
        await Execute($"drop table if exists {_shadow}", CancellationToken.None);
        await Execute("select pg_advisory_unlock_all()", CancellationToken.None);
    }

    private Task CopyDifferences(CancellationToken ct)
    {
        var rest = projection.Columns.Skip(1).Select(column => column.Name).ToList();
        var update = rest.Count == 0
            ? "nothing"
            : $"update set {string.Join(", ", rest.Select(name => $"{name} = excluded.{name}"))} "
                + $"where row({string.Join(", ", rest.Select(name => $"l.{name}"))})::text "
                + $"is distinct from row({string.Join(", ", rest.Select(name => $"excluded.{name}"))})::text";
        return Execute(
            $"delete from {_live} l where not exists (select from {_shadow} s where s.{Key} = l.{Key}); "
            + $"insert into {_live} as l ({_columns}) select {_columns} from {_shadow} on conflict ({Key}) do {update}; drop table {_shadow}", ct);
    }

    // Views hold on to the table they were made on, so each is made again on the table that has the name now. They are
    // locked before the table, in the order in which a query takes its locks.
    private async Task Rename(CancellationToken ct)
    {
        var views = await _catalog.Views(_live, ct);
        await Execute($"lock table {string.Join(", ", [.. views.Select(view => view.Name), _live])} in access exclusive mode", ct);
        var indexes = await _catalog.MatchingIndexes(_shadow, _live, ct);
        var grants = await _catalog.Grants(_live, ct);
        var (schema, table) = projection.Table;
        await Execute(
            $"alter table {_live} rename to {table}_replaced; alter table {_shadow} rename to {table}; "
            + string.Concat(views.Select(view => $"create or replace view {view.Name}{view.Options} as {view.Definition} "))
            + $"drop table {schema}.{table}_replaced; {grants}"
            + string.Concat(indexes.Select(index => $"alter index {schema}.{index.Shadow} rename to {index.Live}; ")), ct);
    }

    private async Task Execute(string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}

/// <summary>One COPY: a transaction of its own.</summary>
internal sealed class RowCopy(NpgsqlBinaryImporter importer, IReadOnlyList<string> types) : IAsyncDisposable
{
    private static readonly Dictionary<string, NpgsqlDbType> Known = new()
    {
        ["text"] = NpgsqlDbType.Text,
        ["jsonb"] = NpgsqlDbType.Jsonb,
        ["uuid"] = NpgsqlDbType.Uuid,
        ["timestamp with time zone"] = NpgsqlDbType.TimestampTz,
        ["timestamptz"] = NpgsqlDbType.TimestampTz,
        ["xid8"] = NpgsqlDbType.Xid8,
        ["bigint"] = NpgsqlDbType.Bigint,
        ["integer"] = NpgsqlDbType.Integer,
        ["boolean"] = NpgsqlDbType.Boolean,
        ["bytea"] = NpgsqlDbType.Bytea,
    };

    private readonly NpgsqlDbType?[] _types =
        [.. types.Select(name => Known.TryGetValue(name, out var type) ? type : (NpgsqlDbType?)null)];

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
        (_, null) => importer.WriteAsync(Binary(value, types[column]), types[column], ct),
        (string text, { } type) => importer.WriteAsync(text, type, ct),
        (int number, { } type) => importer.WriteAsync(number, type, ct),
        (long number, { } type) => importer.WriteAsync(number, type, ct),
        (Guid id, { } type) => importer.WriteAsync(id, type, ct),
        (DateTime time, { } type) => importer.WriteAsync(time, type, ct),
        (bool flag, { } type) => importer.WriteAsync(flag, type, ct),
        (byte[] bytes, { } type) => importer.WriteAsync(bytes, type, ct),
        (_, { } type) => importer.WriteAsync(value, type, ct),
    };

    // The key sources of an event are what the model wrote as text; a binary copy wants the column's own form.
    private static object Binary(object value, string type) => (type, value) switch
    {
        ("inet", string text) => new NpgsqlInet(text),
        ("cidr", string text) => System.Net.IPNetwork.Parse(text),
        _ => value,
    };
}
