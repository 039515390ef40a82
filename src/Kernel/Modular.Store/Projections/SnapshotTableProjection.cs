namespace Modular.Store;

/// <summary>
/// A flat SQL table with one row per snapshot of <typeparamref name="T"/>, written in the transaction of its events.
/// Ours: Marten's flat tables see single events only, while a published table such as <c>neon_auth.users_sync</c>
/// shows the whole user.
/// </summary>
public class SnapshotTableProjection<T> : IStateProjection
    where T : class
{
    private readonly List<(TableColumn Column, Func<T, IEvent, object?> Read)> _columns = [];
    private readonly IAggregator _aggregator = Aggregator.Of(typeof(T));
    private readonly string _table;
    private string? _schema;
    private string _module = "";

    /// <param name="tableName">The table's name; a script of the module creates it.</param>
    /// <param name="schemaName">Another schema that the module publishes; the module's own by default.</param>
    public SnapshotTableProjection(string tableName, string? schemaName = null)
    {
        _table = tableName;
        _schema = schemaName;
    }

    string ITableProjection.Name => $"{_schema}.{_table}";

    string ITableProjection.Module => _module;

    (string Schema, string Table) ITableProjection.Table => (_schema!, _table);

    IAggregator IStateProjection.Aggregator => _aggregator;

    IReadOnlyCollection<Type> ITableProjection.EventTypes => _aggregator.EventTypes;

    IReadOnlyList<TableColumn> ITableProjection.Columns => [.. _columns.Select(column => column.Column)];

    bool ITableProjection.PerStream => true;

    /// <summary>A column from the state and its last event; the first one added is the key.</summary>
    public SnapshotTableProjection<T> Column(string name, string pgType, Func<T, IEvent, object?> read)
    {
        _columns.Add((new TableColumn(name, pgType, IsKey: _columns.Count == 0), read));
        return this;
    }

    /// <summary>
    /// What is left of the row when an event has ended the state: values of some columns, the others stay; null: the row goes.
    /// </summary>
    protected virtual IReadOnlyDictionary<string, object?>? Remains(IEvent last) => null;

    internal void Attach(string module)
    {
        _module = module;
        _schema ??= module;
    }

    string ITableProjection.CreateTable(string schema, string table) => "";

    IRowFold ITableProjection.Fold(IReadOnlyList<object?> defaults) => new Fold(this);

    void ITableProjection.Stage(StreamAction stream, Action<IStorageOperation> queue)
    {
        var target = $"{_schema}.{_table}";
        var columns = _columns.Select(column => column.Column).ToList();
        var last = stream.Events.Last(e => _aggregator.EventTypes.Contains(e.EventType));
        if (stream.StateOf(typeof(T)) is T state)
            queue(new RowUpsert(target, columns, Row(state, last)));
        else if (Remains(last) is { } remains)
            queue(new RowUpsert(
                target, [columns[0], .. remains.Keys.Select(name => columns.Single(column => column.Name == name))], [stream.Key, .. remains.Values.Select(StoreBatch.Plain)]));
        else
            queue(new RowDelete(target, columns[0], stream.Key));
    }

    private object?[] Row(T state, IEvent last) =>
        [.. _columns.Select(column => StoreBatch.Plain(column.Read(state, last)))];

    // The row of a state that has ended, as the table would hold it.
    private object?[]? Row(object?[]? before, IEvent last)
    {
        if (before is null || Remains(last) is not { } remains)
            return null;
        foreach (var (name, value) in remains)
            before[_columns.FindIndex(column => column.Column.Name == name)] = StoreBatch.Plain(value);
        return before;
    }

    private sealed class Fold(SnapshotTableProjection<T> projection) : IRowFold
    {
        private object? _state;
        private IEvent? _last;
        private object?[]? _before;

        public void Begin() => (_state, _last, _before) = (null, null, null);

        public void Apply(IEvent e)
        {
            var next = projection._aggregator.Apply(_state, e);
            if (next is null && _state is T ended)
                _before = projection.Row(ended, _last!);
            (_state, _last) = (next, e);
        }

        public IEnumerable<(object Key, object?[]? Row)> Rows()
        {
            if (_last is { } last)
                yield return (last.StreamKey, _state is T state ? projection.Row(state, last) : projection.Row(_before, last));
        }
    }
}
