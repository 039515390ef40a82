using System.Text;
using System.Text.Json;

namespace Modular.Store;

/// <summary>Keeps the state of each stream as a document, in the transaction of its events.</summary>
internal sealed class SnapshotProjection<T>(string module, DocumentMapping<T> document) : ISnapshotProjection
    where T : class
{
    public IAggregator Aggregator { get; } = Store.Aggregator.Of(typeof(T));

    public DocumentMapping Document => document;

    public string Name => $"{module}.{document.TableName}";

    public string Module => module;

    public (string Schema, string Table) Table => (module, document.TableName);

    public IReadOnlyCollection<Type> EventTypes => Aggregator.EventTypes;

    public IReadOnlyList<TableColumn> Columns =>
    [
        new("id", "text", IsKey: true),
        new("data", "jsonb"),
        new("mt_last_modified", "timestamptz"),
        new("mt_version", "bigint"),
        .. document.Duplicated.Select(column => new TableColumn(column.Name, column.PgType)),
    ];

    public bool PerStream => true;

    public string CreateTable(string schema, string table) => ModuleDdl.DocumentTable(document, schema, table);

    public IRowFold Fold(IReadOnlyList<object?> defaults) => new SnapshotFold(this);

    public void Stage(StreamAction stream, Action<IStorageOperation> queue)
    {
        // Other events of the stream leave no mark on the row, as in a rebuild, which does not read them.
        var last = stream.Events.Last(e => EventTypes.Contains(e.EventType));
        var state = stream.StateOf(typeof(T));
        var change = state is null ? DocumentChange.Delete : DocumentChange.Snapshot;
        queue(new DocumentOperation(document, change, stream.Key, state, last.Timestamp, last.Version));
    }

    private sealed class SnapshotFold(SnapshotProjection<T> projection) : IRowFold
    {
        private object? _state;
        private IEvent? _last;

        public void Begin() => (_state, _last) = (null, null);

        public void Apply(IEvent e)
        {
            _state = projection.Aggregator.Apply(_state, e);
            _last = e;
        }

        public IEnumerable<(object Key, object?[]? Row)> Rows()
        {
            if (_last is not { } last)
                yield break;
            yield return (last.StreamKey, _state is null ? null : Row(_state, last));
        }

        private object?[] Row(object state, IEvent last) =>
        [
            last.StreamKey,
            Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(state, typeof(T), StoreJson.Options)),
            last.Timestamp.UtcDateTime,
            last.Version,
            .. projection.Document.Duplicated.Select(column => StoreBatch.Plain(column.Read(state))),
        ];
    }
}
