using Npgsql;

namespace Modular.Store;

/// <summary>Documents and event streams of every module in one PostgreSQL. The shape is Marten's; see docs/store.md.</summary>
public interface IDocumentStore
{
    /// <summary>A unit of work outside a request's scope.</summary>
    IDocumentSession LightweightSession(EventMetadata? metadata = null);

    /// <summary>Reads only.</summary>
    IQuerySession QuerySession();
}

/// <summary>Reads documents and streams. Loads see what the session has staged, queries do not.</summary>
public interface IQuerySession : IAsyncDisposable
{
    /// <summary>Reads of event streams.</summary>
    IQueryEventStore Events { get; }

    /// <summary>The document of that id, or null.</summary>
    Task<T?> LoadAsync<T>(string id, CancellationToken token = default)
        where T : class;

    /// <summary>
    /// The document as it is stored with its revision, for <see cref="IDocumentOperations.UpdateRevision"/>. Ours: Marten
    /// writes the revision into the document.
    /// </summary>
    Task<Revision<T>?> LoadRevisionAsync<T>(string id, CancellationToken token = default)
        where T : class;

    /// <summary>The documents of those ids that exist.</summary>
    Task<IReadOnlyList<T>> LoadManyAsync<T>(IEnumerable<string> ids, CancellationToken token = default)
        where T : class;

    /// <summary>
    /// Documents by SQL: everything after <c>select data from TABLE as d</c>, with <c>?</c> for each parameter,
    /// e.g. <c>where d.data ->> 'name' = ? order by d.id</c>.
    /// </summary>
    Task<IReadOnlyList<T>> QueryAsync<T>(string sql, CancellationToken token, params object[] parameters)
        where T : class;
}

/// <summary>A document and the number of its revision, from 1.</summary>
public sealed record Revision<T>(T Document, long Number);

/// <summary>Stages changes: documents, appends, SQL. Nothing reaches the database before the commit.</summary>
public interface IDocumentOperations : IQuerySession
{
    /// <summary>Appends to and reads of event streams.</summary>
    new IEventStoreOperations Events { get; }

    /// <summary>Inserts or overwrites.</summary>
    void Store<T>(params T[] entities)
        where T : class;

    /// <summary>Inserts; the commit fails with <see cref="DocumentAlreadyExistsException"/> when the id or a unique index is taken.</summary>
    void Insert<T>(params T[] entities)
        where T : class;

    /// <summary>Overwrites; the commit fails with <see cref="NonExistentDocumentException"/> when there is none.</summary>
    void Update<T>(params T[] entities)
        where T : class;

    /// <summary>Overwrites the document if it is at <paramref name="revision"/>, else the commit fails with <see cref="ConcurrencyException"/>.</summary>
    void UpdateRevision<T>(T entity, long revision)
        where T : class;

    /// <summary>Deletes the document of that id if there is one.</summary>
    void Delete<T>(string id)
        where T : class;

    /// <summary>A statement of the unit of work, with <c>?</c> for each parameter.</summary>
    void QueueSqlCommand(string sql, params object?[] parameterValues);

    /// <summary>
    /// A conditional statement of the unit of work: when it does not touch exactly <paramref name="expectedRows"/>
    /// rows, nothing is stored and the commit fails with <see cref="ConcurrencyException"/>.
    /// </summary>
    void QueueSqlCommand(long expectedRows, string sql, params object?[] parameterValues);

    /// <summary>Adds a statement made elsewhere (the outbox) to the unit of work.</summary>
    void QueueOperation(IStorageOperation storageOperation);
}

/// <summary>One unit of work: what is staged is stored by one batch in one transaction, or not at all.</summary>
public interface IDocumentSession : IDocumentOperations
{
    /// <summary>Who acts: stored with every event.</summary>
    EventMetadata Metadata { get; }

    /// <summary>Whether anything is staged.</summary>
    bool HasPendingChanges { get; }

    /// <summary>Runs after a commit that stored something, in process. Must be quick and must not throw.</summary>
    void OnCommitted(Action action);

    /// <summary>Drops everything staged.</summary>
    void EjectAllPendingChanges();

    /// <summary>
    /// Stores what is staged: one batch, one round trip, one transaction. The pipeline calls it; handlers never do.
    /// </summary>
    /// <exception cref="ConcurrencyException">A stream or document was not at its expected version.</exception>
    /// <exception cref="DocumentAlreadyExistsException">A unique index refused.</exception>
    Task SaveChangesAsync(CancellationToken token = default);
}

/// <summary>A statement or several that join a unit of work's batch.</summary>
public interface IStorageOperation
{
    /// <summary>Adds the operation's statements to the batch.</summary>
    void Write(StoreBatch batch);

    /// <summary>What a failure of one of its statements means; null when it is nothing the operation knows.</summary>
    Exception? Explain(PostgresException failure) => null;
}

/// <summary>Reads of event streams.</summary>
public interface IQueryEventStore
{
    /// <summary>The state of an aggregate from its events, up to a version or a time.</summary>
    Task<T?> AggregateStreamAsync<T>(
        string streamKey, long version = 0, DateTimeOffset? timestamp = null, CancellationToken token = default)
        where T : class;

    /// <summary>
    /// A stream's events. Marten needs no type here; ours does because each module has streams of its own.
    /// </summary>
    Task<IReadOnlyList<IEvent>> FetchStreamAsync<T>(
        string streamKey, long version = 0, DateTimeOffset? timestamp = null, CancellationToken token = default)
        where T : class;

    /// <summary>A stream's version and times, or null.</summary>
    Task<StreamState?> FetchStreamStateAsync<T>(string streamKey, CancellationToken token = default)
        where T : class;
}

/// <summary>Appends to event streams. Which module's stream is meant follows from the types of events and aggregates.</summary>
public interface IEventStoreOperations : IQueryEventStore
{
    /// <summary>Starts a stream; the commit fails with <see cref="ExistingStreamIdCollisionException"/> when the key is taken.</summary>
    void StartStream<TAggregate>(string streamKey, params object[] events)
        where TAggregate : class;

    /// <summary>Appends after whatever is there, in the order of commits; starts the stream when there is none.</summary>
    void Append(string stream, params object[] events);

    /// <summary>Appends if the stream is at <paramref name="expectedVersion"/> <em>after</em> these events, as in Marten.</summary>
    void Append(string stream, long expectedVersion, params object[] events);

    /// <summary>Loads the state of an aggregate and remembers its version for the append.</summary>
    Task<IEventStream<T>> FetchForWriting<T>(string key, CancellationToken cancellation = default)
        where T : class;

    /// <summary>
    /// The same for several streams, in the order of their keys as given; one query where the aggregate has a snapshot.
    /// Ours: Marten loads them one after the other, and ending a thousand sessions is one act.
    /// </summary>
    Task<IReadOnlyList<IEventStream<T>>> FetchForWriting<T>(
        IReadOnlyCollection<string> keys, CancellationToken cancellation = default)
        where T : class;
}
