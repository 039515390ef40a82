namespace Modular.Store;

/// <summary>Somebody else changed what a decision was made on. Nothing of the batch was stored.</summary>
public class ConcurrencyException : Exception
{
    public ConcurrencyException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>A stream was not at the version an append expected. Nothing of the batch was stored.</summary>
public sealed class EventStreamUnexpectedMaxEventIdException : ConcurrencyException
{
    public EventStreamUnexpectedMaxEventIdException(string id, long? expectedVersion, Exception? inner = null)
        : base($"Stream '{id}' is not at the expected version {expectedVersion}.", inner)
    {
        Id = id;
        ExpectedVersion = expectedVersion;
    }

    /// <summary>The stream's key.</summary>
    public string Id { get; }

    /// <summary>The version the append expected; null when it expected none but lost every race.</summary>
    public long? ExpectedVersion { get; }

    /// <summary>Nobody asked for that version: the commit read it itself, and may read it again.</summary>
    internal bool ExpectedByCommit { get; init; }
}

/// <summary>
/// The transaction took its id before one that has appended to the stream since; the feed, which is in the order of
/// these ids, would show the stream's versions reversed. A new transaction will do.
/// </summary>
internal sealed class TransactionTooOldException(string stream, Exception inner)
    : ConcurrencyException($"A younger transaction has appended to the stream '{stream}'.", inner);

/// <summary>A deadlock or the like: the database chose this transaction; the same one may succeed now.</summary>
internal sealed class TransactionGaveWayException(Exception inner)
    : ConcurrencyException("The database chose this transaction to give way to another.", inner);

/// <summary>A prepared statement met a server connection that does not know it; nothing was executed.</summary>
internal sealed class PreparedStatementGoneException(Exception inner)
    : ConcurrencyException("A prepared statement was gone.", inner);

/// <summary>A stream was started under a key that is taken. Nothing of the batch was stored.</summary>
public sealed class ExistingStreamIdCollisionException : ConcurrencyException
{
    public ExistingStreamIdCollisionException(string id, Exception? inner = null)
        : base($"Stream '{id}' exists already.", inner) => Id = id;

    /// <summary>The stream's key.</summary>
    public string Id { get; }

    /// <summary>Nobody asked for a new stream: the commit found none, and may look again.</summary>
    internal bool ExpectedByCommit { get; init; }
}

/// <summary>A document, or a value under a unique index, exists already. Nothing of the batch was stored.</summary>
public sealed class DocumentAlreadyExistsException : Exception
{
    public DocumentAlreadyExistsException(string constraintName, string tableName, Exception? inner = null)
        : base($"{tableName} holds such a row already ({constraintName}).", inner)
    {
        ConstraintName = constraintName;
        TableName = tableName;
    }

    /// <summary>The unique constraint or index that refused, e.g. <c>mt_doc_user_uidx_email</c>.</summary>
    public string ConstraintName { get; }

    /// <summary>The table that refused.</summary>
    public string TableName { get; }
}

/// <summary>An update or delete that had to find its row did not. Nothing of the batch was stored.</summary>
public sealed class NonExistentDocumentException : ConcurrencyException
{
    public NonExistentDocumentException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The database holds an event whose type no code of this version knows.</summary>
public sealed class UnknownEventTypeException : Exception
{
    public UnknownEventTypeException(string schema, string type, string where)
        : base($"{schema}.mt_events holds an event of type '{type}' ({where}), which this version does not know. "
            + "Run the version that wrote it, or register the type or an upcaster for it.")
    {
    }
}

/// <summary>A page was applied by a subscription whose progress somebody else had moved: the fence. Nothing was stored.</summary>
public sealed class ProgressionProgressOutOfOrderException : Exception
{
    public ProgressionProgressOutOfOrderException(string name, Exception? inner = null)
        : base($"The progress of '{name}' was moved by another node; this page was not applied.", inner)
    {
    }
}

/// <summary>A subscription remembers a position that this database has not reached: it was restored from an older copy.</summary>
public sealed class ProgressBeyondPresentException : Exception
{
    public ProgressBeyondPresentException(string name, FeedPosition position, FeedPosition present)
        : base($"Subscription '{name}' stands at {position}, beyond this database's present {present}. "
            + "The database is older than what it has already been read: restore the right copy, or rebuild the subscriber.")
    {
    }
}
