namespace Modular.Store;

/// <summary>Receives committed events: each once, in the order of the feed, one page per transaction.</summary>
public interface ISubscription
{
    /// <summary>
    /// Applies a page. What is staged on <paramref name="operations"/> commits together with the subscription's
    /// progress, or not at all; nothing else may be changed here. Called again with the same page after a failure.
    /// </summary>
    Task ProcessEventsAsync(EventRange page, IDocumentOperations operations, CancellationToken cancellationToken);
}

/// <summary>A page of the feed.</summary>
public sealed record EventRange(string SubscriptionName, FeedPosition Floor, FeedPosition Ceiling, IReadOnlyList<IEvent> Events)
{
    /// <summary>How many events it holds.</summary>
    public int Size => Events.Count;
}

/// <summary>How a subscription is doing, for health checks and metrics.</summary>
public sealed record SubscriptionStatus(string Name, string State, FeedPosition Position, string? Problem)
{
    /// <summary>Another node works on it, or none yet.</summary>
    public const string Standby = "standby";

    /// <summary>This node works on it.</summary>
    public const string Running = "running";

    /// <summary>The last page failed; it is tried again.</summary>
    public const string Failing = "failing";

    /// <summary>It cannot go on without an operator.</summary>
    public const string Stopped = "stopped";
}
