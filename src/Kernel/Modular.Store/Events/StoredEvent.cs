namespace Modular.Store;

/// <summary>An event as it is held in memory, staged or read.</summary>
internal abstract class StoredEvent : IEvent
{
    public required Guid Id { get; init; }

    /// <summary>A projection that wrote it unknown would write something else when it is rebuilt.</summary>
    public long Version
    {
        get => _version > 0 ? _version : throw Unknown(nameof(Version));
        set => _version = value;
    }

    public long Sequence => Position.Sequence > 0 ? Position.Sequence : throw Unknown(nameof(Sequence));

    public abstract object Data { get; }

    public required string StreamKey { get; init; }

    public required DateTimeOffset Timestamp { get; init; }

    public abstract Type EventType { get; }

    public required string EventTypeName { get; init; }

    public required string Module { get; init; }

    public ReadOnlyMemory<byte> Canonical { get; set; }

    public FeedPosition Position { get; init; } = FeedPosition.Start;

    public string? Subject { get; set; }

    public EventMetadata Metadata { get; set; } = new();

    private long _version;

    private InvalidOperationException Unknown(string member) => new(
        $"The {member} of {EventTypeName} is not known before it is committed"
        + (member == nameof(Version) ? "; append it with FetchForWriting or an expected version." : "."));

    /// <summary>Wraps an event in the generic type that projections are written against.</summary>
    public static StoredEvent Of(
        object data, EventMapping mapping, Guid id, string streamKey, long version, DateTimeOffset timestamp, FeedPosition position)
    {
        var make = Factories.GetOrAdd(data.GetType(), type => typeof(StoredEvent<>).MakeGenericType(type)
            .GetMethod(nameof(StoredEvent<>.Make))!
            .CreateDelegate<Func<object, EventMapping, Guid, string, long, DateTimeOffset, FeedPosition, StoredEvent>>());
        return make(data, mapping, id, streamKey, version, timestamp, position);
    }

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<
        Type, Func<object, EventMapping, Guid, string, long, DateTimeOffset, FeedPosition, StoredEvent>> Factories = new();
}

internal sealed class StoredEvent<T>(T data) : StoredEvent, IEvent<T>
    where T : class
{
    public override object Data => data;

    T IEvent<T>.Data => data;

    public override Type EventType => typeof(T);

    public static StoredEvent Make(
        object data, EventMapping mapping, Guid id, string streamKey, long version, DateTimeOffset timestamp, FeedPosition position) =>
        new StoredEvent<T>((T)data)
        {
            Id = id,
            StreamKey = streamKey,
            Version = version,
            Timestamp = timestamp,
            EventTypeName = mapping.Name,
            Module = mapping.Schema,
            Position = position,
            Subject = mapping.StoredAs == typeof(T) ? mapping.SubjectOf(data) : null,
        };
}
