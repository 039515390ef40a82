using System.Linq.Expressions;

namespace Modular.Store;

/// <summary>
/// A flat SQL table kept from events: each writes or deletes the row of its key, in its own transaction.
/// A row is made by events of one stream only, so that it can be rebuilt stream by stream.
/// </summary>
public class FlatTableProjection : ITableProjection
{
    private readonly List<TableColumn> _columns = [];
    private readonly Dictionary<Type, RowMap> _maps = [];
    private readonly string _table;
    private string? _schema;

    /// <param name="tableName">The table's name, in the module's schema unless <paramref name="schemaName"/> is given.</param>
    /// <param name="schemaName">Another schema that the module publishes, e.g. <c>neon_auth</c>.</param>
    public FlatTableProjection(string tableName, string? schemaName = null)
    {
        _table = tableName;
        _schema = schemaName;
    }

    string ITableProjection.Name => $"{_schema}.{_table}";

    string ITableProjection.Module => ModuleName;

    (string Schema, string Table) ITableProjection.Table => (_schema!, _table);

    IReadOnlyCollection<Type> ITableProjection.EventTypes => _maps.Keys;

    IReadOnlyList<TableColumn> ITableProjection.Columns => _columns;

    bool ITableProjection.PerStream => !_maps.Values.All(map => map.KeyedByEvent);

    private string ModuleName { get; set; } = "";

    /// <summary>The key column.</summary>
    public FlatTableProjection Key(string name, string pgType) => Column(name, pgType, isKey: true);

    /// <summary>Another column.</summary>
    /// <param name="name">In snake case.</param>
    /// <param name="pgType">PostgreSQL's name of the type.</param>
    /// <param name="definition">What follows the type in the table's definition, e.g. <c>not null</c>.</param>
    public FlatTableProjection Column(string name, string pgType, string definition = "") =>
        Column(name, pgType, isKey: false, definition);

    /// <summary>The event writes the row of its key: an upsert of the columns mapped.</summary>
    public void Project<T>(Action<StatementMap<T>> configure, Expression<Func<IEvent<T>, object>> tablePrimaryKeySource)
        where T : class
    {
        var map = new StatementMap<T>();
        configure(map);
        var key = tablePrimaryKeySource.Compile();
        _maps.Add(typeof(T), new RowMap(
            e => key((IEvent<T>)e),
            [.. map.Columns.Select(column => (ColumnAt(column.Name), column.Read))],
            Deletes: false,
            KeyedByEvent: IsEventId(tablePrimaryKeySource)));
    }

    /// <summary>The event deletes the row of its key.</summary>
    public void Delete<T>(Func<IEvent<T>, object> tablePrimaryKeySource)
        where T : class =>
        _maps.Add(typeof(T), new RowMap(e => tablePrimaryKeySource((IEvent<T>)e), [], Deletes: true, KeyedByEvent: false));

    internal void Attach(string module)
    {
        ModuleName = module;
        _schema ??= module;
    }

    IRowFold ITableProjection.Fold(IReadOnlyList<object?> defaults) => new FlatFold(this, defaults);

    string ITableProjection.CreateTable(string schema, string table) => ModuleDdl.FlatTable(_columns, schema, table);

    void ITableProjection.Stage(StreamAction stream, Action<IStorageOperation> queue)
    {
        var target = $"{_schema}.{_table}";
        foreach (var e in stream.Events)
        {
            if (!_maps.TryGetValue(e.EventType, out var map))
                continue;
            queue(map.Deletes
                ? new RowDelete(target, _columns[0], map.Key(e))
                : new RowUpsert(target, [_columns[0], .. map.Values.Select(value => _columns[value.At])],
                    [map.Key(e), .. map.Values.Select(value => value.Read(e))]));
        }
    }

    private FlatTableProjection Column(string name, string pgType, bool isKey, string definition = "")
    {
        _columns.Insert(isKey ? 0 : _columns.Count, new TableColumn(name, pgType, isKey, definition));
        return this;
    }

    // e => e.Id, and not e => e.Data.Id.
    private static bool IsEventId(LambdaExpression key) =>
        (key.Body is UnaryExpression boxed ? boxed.Operand : key.Body)
            is MemberExpression { Member.Name: nameof(IEvent.Id), Expression: ParameterExpression };

    private int ColumnAt(string name)
    {
        var at = _columns.FindIndex(column => column.Name == name);
        return at > 0 ? at : throw new InvalidOperationException($"{_table} has no column '{name}' beside its key.");
    }

    private sealed record RowMap(
        Func<IEvent, object> Key, IReadOnlyList<(int At, Func<IEvent, object?> Read)> Values, bool Deletes, bool KeyedByEvent);

    private sealed class FlatFold(FlatTableProjection projection, IReadOnlyList<object?> defaults) : IRowFold
    {
        private readonly Dictionary<object, object?[]?> _rows = [];

        public void Begin() => _rows.Clear();

        public void Apply(IEvent e)
        {
            if (!projection._maps.TryGetValue(e.EventType, out var map))
                return;
            var key = map.Key(e);
            if (map.Deletes)
            {
                _rows[key] = null;
                return;
            }

            object?[] row = _rows.GetValueOrDefault(key) ?? [.. defaults];
            row[0] = key;
            foreach (var (at, read) in map.Values)
                row[at] = read(e);
            _rows[key] = row;
        }

        public IEnumerable<(object Key, object?[]? Row)> Rows() => _rows.Select(row => (row.Key, row.Value));
    }
}

/// <summary>Which columns an event writes.</summary>
public sealed class StatementMap<T>
    where T : class
{
    internal List<(string Name, Func<IEvent, object?> Read)> Columns { get; } = [];

    /// <summary>Writes a member of the event to a column; by default of the member's name in snake case.</summary>
    public StatementMap<T> Map<TValue>(Expression<Func<T, TValue>> members, string? columnName = null)
    {
        var read = members.Compile();
        var name = columnName ?? Names.Snake(((MemberExpression)members.Body).Member.Name);
        Columns.Add((name, e => StoreBatch.Plain(read((T)e.Data))));
        return this;
    }

    /// <summary>Writes what the store knows of the event to a column.</summary>
    public StatementMap<T> MapEvent<TValue>(Func<IEvent<T>, TValue> read, string columnName)
    {
        Columns.Add((columnName, e => StoreBatch.Plain(read((IEvent<T>)e))));
        return this;
    }

    /// <summary>Writes a constant.</summary>
    public StatementMap<T> SetValue(string columnName, object? value)
    {
        Columns.Add((columnName, _ => StoreBatch.Plain(value)));
        return this;
    }
}

internal sealed class RowUpsert(string table, IReadOnlyList<TableColumn> columns, IReadOnlyList<object?> values) : IBulkOperation
{
    public void AddTo(BulkRows rows) => rows.Add(
        $"{table} ({string.Join(", ", columns.Select(column => column.Name))})", [.. columns.Select(column => column.PgType)], [.. values.Select(StoreBatch.Plain)]);

    public void Write(StoreBatch batch)
    {
        var names = string.Join(", ", columns.Select(column => column.Name));
        var places = string.Join(", ", columns.Select((column, at) => $"${at + 1}::{column.PgType}"));
        var updates = string.Join(", ", columns.Skip(1).Select(column => $"{column.Name} = excluded.{column.Name}"));
        batch.Sql($"insert into {table} ({names}) values ({places}) on conflict ({columns[0].Name}) do "
            + (columns.Count == 1 ? "nothing" : $"update set {updates}"));
        for (var at = 0; at < values.Count; at++)
            batch.WithColumn(values[at], columns[at].PgType);
    }
}

internal sealed class RowDelete(string table, TableColumn keyColumn, object key) : IStorageOperation
{
    public void Write(StoreBatch batch) =>
        batch.Sql($"delete from {table} where {keyColumn.Name} = $1::{keyColumn.PgType}").WithAny(key);
}
