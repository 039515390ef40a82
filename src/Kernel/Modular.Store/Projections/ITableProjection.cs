namespace Modular.Store;

/// <summary>A read model: one table kept from events, in their transaction, and rebuilt from them.</summary>
internal interface ITableProjection
{
    /// <summary>The name <c>audit rebuild</c> knows it by: <c>schema.table</c>.</summary>
    string Name { get; }

    /// <summary>The module whose events it reads.</summary>
    string Module { get; }

    /// <summary>The table's schema and name.</summary>
    (string Schema, string Table) Table { get; }

    IReadOnlyCollection<Type> EventTypes { get; }

    /// <summary>The columns, the key first.</summary>
    IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>
    /// True when a row depends on the events of one stream in their order; false when on one event alone, so that
    /// a rebuild need not sort.
    /// </summary>
    bool PerStream { get; }

    /// <summary>Starts a fold over one stream, or over single events where <see cref="PerStream"/> is false.</summary>
    /// <param name="defaults">What the table puts into columns that nothing is written to, in their order.</param>
    IRowFold Fold(IReadOnlyList<object?> defaults);

    /// <summary>The statements that bring the live table up to date with what a unit of work appends to a stream.</summary>
    void Stage(StreamAction stream, Action<IStorageOperation> queue);

    /// <summary>DDL of the table in a given schema under a given name; empty when a script of the module makes it.</summary>
    string CreateTable(string schema, string table);
}

/// <summary>A read model whose rows show the state of an aggregate.</summary>
internal interface IStateProjection : ITableProjection
{
    IAggregator Aggregator { get; }
}

/// <summary>The snapshots of an aggregate.</summary>
internal interface ISnapshotProjection : IStateProjection
{
    DocumentMapping Document { get; }
}

/// <summary>A column: its name, its PostgreSQL type, and whether it is the key.</summary>
public sealed record TableColumn(string Name, string PgType, bool IsKey = false, string Definition = "");

/// <summary>Turns events, in the order of their streams, into changes of rows.</summary>
internal interface IRowFold
{
    /// <summary>Forgets the stream before; the events of the next one follow from its first.</summary>
    void Begin();

    void Apply(IEvent e);

    /// <summary>What the rows are now: the key, and the values or null when the row is to go. Empty when untouched.</summary>
    IEnumerable<(object Key, object?[]? Row)> Rows();
}
