using System.Text.Json;
using Npgsql;

namespace Modular.Store;

/// <summary>What every session of one store stands on.</summary>
internal sealed record StoreParts(
    StoreDatabase Database, StoreRegistry Registry, SubjectKeys Keys, EventReader Reader, FeedSignal Signal, TimeProvider Clock,
    IEnumerable<ICommitWitness> Witnesses);

/// <summary>The unit of work; see <see cref="IDocumentSession"/>.</summary>
internal sealed partial class DocumentSession : IDocumentSession
{
    private readonly StoreParts _parts;
    private readonly List<IStorageOperation> _operations = [];
    private readonly List<IStorageOperation> _first = [];
    private readonly List<Action> _committed = [];
    private readonly EventOperations _events;

    public DocumentSession(StoreParts parts, EventMetadata metadata)
    {
        _parts = parts;
        Metadata = metadata;
        _events = new EventOperations(parts);
    }

    public EventMetadata Metadata { get; }

    public IEventStoreOperations Events => _events;

    IQueryEventStore IQuerySession.Events => _events;

    public bool HasPendingChanges => _operations.Count > 0 || _events.Streams.Values.Any(stream => stream.Events.Count > 0);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public async Task<T?> LoadAsync<T>(string id, CancellationToken token = default)
        where T : class
    {
        var mapping = _parts.Registry.Document(typeof(T));
        if (Staged(mapping, id) is { } staged)
            return (T?)staged.Document;

        await using var command = _parts.Database.Pooled.CreateCommand(DocumentSql.Of(mapping).Load);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        await using var rows = await command.ExecuteReaderAsync(token);
        return await rows.ReadAsync(token) ? Deserialize<T>(rows, 0) : null;
    }

    public async Task<Revision<T>?> LoadRevisionAsync<T>(string id, CancellationToken token = default)
        where T : class
    {
        await using var command = _parts.Database.Pooled.CreateCommand(DocumentSql.Of(_parts.Registry.Document(typeof(T))).LoadRevision);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        await using var rows = await command.ExecuteReaderAsync(token);
        return await rows.ReadAsync(token) ? new Revision<T>(Deserialize<T>(rows, 0), rows.GetInt64(1)) : null;
    }

    public async Task<IReadOnlyList<T>> LoadManyAsync<T>(IEnumerable<string> ids, CancellationToken token = default)
        where T : class
    {
        var mapping = _parts.Registry.Document(typeof(T));
        var found = new List<T>();
        var asked = new List<string>();
        foreach (var id in ids.Distinct())
        {
            if (Staged(mapping, id) is not { } staged)
                asked.Add(id);
            else if (staged.Document is T document)
                found.Add(document);
        }

        await using var command = _parts.Database.Pooled.CreateCommand(DocumentSql.Of(mapping).LoadMany);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. asked] });
        await ReadAll(command, found, token);
        return found;
    }

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, CancellationToken token, params object[] parameters)
        where T : class
    {
        var mapping = _parts.Registry.Document(typeof(T));
        await using var command = _parts.Database.Pooled.CreateCommand(
            DocumentSql.Of(mapping).Query + SqlOperation.Positional(sql));
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = StoreBatch.Plain(parameter) });
        var found = new List<T>();
        await ReadAll(command, found, token);
        return found;
    }

    public void Store<T>(params T[] entities)
        where T : class => Stage(DocumentChange.Store, entities, version: 1);

    public void Insert<T>(params T[] entities)
        where T : class => Stage(DocumentChange.Insert, entities, version: 1);

    public void Update<T>(params T[] entities)
        where T : class => Stage(DocumentChange.Update, entities, version: 0);

    public void UpdateRevision<T>(T entity, long revision)
        where T : class => Stage(DocumentChange.Update, [entity], revision);

    public void Delete<T>(string id)
        where T : class => _operations.Add(new DocumentOperation(
            _parts.Registry.Document(typeof(T)), DocumentChange.Delete, id, null, _parts.Clock.GetUtcNow(), 0));

    public void QueueSqlCommand(string sql, params object?[] parameterValues) =>
        _operations.Add(new SqlOperation(sql, parameterValues, expectedRows: null));

    public void QueueSqlCommand(long expectedRows, string sql, params object?[] parameterValues) =>
        _operations.Add(new SqlOperation(sql, parameterValues, expectedRows));

    public void QueueOperation(IStorageOperation storageOperation) => _operations.Add(storageOperation);

    public void OnCommitted(Action action) => _committed.Add(action);

    public void EjectAllPendingChanges()
    {
        _operations.Clear();
        _first.Clear();
        _committed.Clear();
        _events.Streams.Clear();
    }

    /// <summary>A statement that has to come before all others: a fence.</summary>
    internal void QueueFirst(IStorageOperation operation) => _first.Add(operation);

    private static T Deserialize<T>(NpgsqlDataReader rows, int column) =>
        JsonSerializer.Deserialize<T>(rows.GetFieldValue<byte[]>(column), StoreJson.Options)!;

    private static async Task ReadAll<T>(PooledCommand command, List<T> into, CancellationToken token)
    {
        await using var rows = await command.ExecuteReaderAsync(token);
        while (await rows.ReadAsync(token))
            into.Add(Deserialize<T>(rows, 0));
    }

    private void Stage<T>(DocumentChange change, T[] entities, long version)
        where T : class
    {
        var mapping = _parts.Registry.Document(typeof(T));
        foreach (var entity in entities)
        {
            _operations.Add(new DocumentOperation(
                mapping, change, mapping.IdOf(entity), entity, _parts.Clock.GetUtcNow(), version));
        }
    }

    // What is staged for a document: a change of its own, or the snapshot of a stream that is appended to.
    private (object? Document, bool Found)? Staged(DocumentMapping mapping, string id)
    {
        var change = _operations.OfType<DocumentOperation>().LastOrDefault(operation => operation.Key == (mapping, id));
        if (change is not null)
            return (change.Document, true);
        return _events.Streams.TryGetValue((mapping.Schema, id), out var stream)
            && stream.Knows(mapping.DocumentType)
            ? (stream.StateOf(mapping.DocumentType), true)
            : null;
    }
}
