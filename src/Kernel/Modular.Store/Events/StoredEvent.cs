namespace Modular.Store;

/// <summary>An event as it is held in memory, staged or read.</summary>
internal abstract class StoredEvent : IEvent
{
    private EventMetadata? _metadata;
    private long _version;

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

    /// <summary>Read from the canonical bytes when somebody asks, which most readers do not.</summary>
    public EventMetadata Metadata
    {
        get => _metadata ??= Keys is null ? new EventMetadata() : EventReader.MetadataOf(Canonical, Id, Keys);
        set => _metadata = value;
    }

    /// <summary>The keys that open what <see cref="Canonical"/> seals; null for an event that is only staged.</summary>
    public IReadOnlyDictionary<string, SubjectKey>? Keys { private get; set; }

    private InvalidOperationException Unknown(string member) => new(
        $"The {member} of {EventTypeName} is not known before it is committed"
        + (member == nameof(Version) ? "; append it with FetchForWriting or an expected version." : "."));
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
        };
}
