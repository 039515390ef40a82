namespace Modular.Store;

/// <summary>An event with everything the store knows of it.</summary>
public interface IEvent
{
    /// <summary>The event's own id (UUID version 7).</summary>
    Guid Id { get; }

    /// <summary>Its place in its stream, from 1.</summary>
    /// <exception cref="InvalidOperationException">It is not committed yet, and appended after whatever is there.</exception>
    long Version { get; }

    /// <summary>Its number within the database; rises within a transaction, not across transactions.</summary>
    /// <exception cref="InvalidOperationException">It is not committed yet.</exception>
    long Sequence { get; }

    /// <summary>The event itself. Personal data whose key is shredded is null.</summary>
    object Data { get; }

    /// <summary>The key of its stream.</summary>
    string StreamKey { get; }

    /// <summary>When it was appended, UTC, in microseconds.</summary>
    DateTimeOffset Timestamp { get; }

    /// <summary>The CLR type of <see cref="Data"/>, after upcasting.</summary>
    Type EventType { get; }

    /// <summary>The stored name, e.g. <c>session.started.1</c>.</summary>
    string EventTypeName { get; }

    /// <summary>The module (schema) that owns it.</summary>
    string Module { get; }

    /// <summary>The bytes that go into the audit log, made at append (DESIGN §7).</summary>
    ReadOnlyMemory<byte> Canonical { get; }

    /// <summary>Its place in the feed; <see cref="FeedPosition.Start"/> before it is committed.</summary>
    FeedPosition Position { get; }

    /// <summary>The person it is about, whose key encrypts its personal data.</summary>
    string? Subject { get; }

    /// <summary>Who acted, from where and in which request.</summary>
    EventMetadata Metadata { get; }

    string? CorrelationId => Metadata.CorrelationId;

    string? CausationId => Metadata.CausationId;

    string? UserName => Metadata.Actor;
}

/// <summary>An event of a known type.</summary>
public interface IEvent<out T> : IEvent
{
    /// <inheritdoc cref="IEvent.Data"/>
    new T Data { get; }
}

/// <summary>A stream open for appending: its state now, and what this unit of work adds.</summary>
public interface IEventStream<out T>
    where T : class
{
    /// <summary>The state before <see cref="Events"/>; null when the stream does not exist or was deleted.</summary>
    T? Aggregate { get; }

    /// <summary>The version the append will expect; 0 when the stream does not exist.</summary>
    long StartingVersion { get; }

    /// <summary>The version with what is appended here.</summary>
    long CurrentVersion { get; }

    string Key { get; }

    IReadOnlyList<IEvent> Events { get; }

    void AppendOne(object @event);

    void AppendMany(params object[] events);
}

/// <summary>What a stream is at: its version and times.</summary>
public sealed record StreamState(string Key, long Version, string? AggregateType, DateTimeOffset LastTimestamp, DateTimeOffset Created);
