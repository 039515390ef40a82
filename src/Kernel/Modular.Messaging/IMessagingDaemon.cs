namespace Modular.Messaging;

/// <summary>The workers of this node.</summary>
public interface IMessagingDaemon
{
    /// <summary>Every queue with messages in the table, of whichever node, when last counted.</summary>
    IReadOnlyCollection<QueueStatus> Statuses { get; }

    /// <summary>Why this node claims nothing at the moment; null when it does.</summary>
    string? Problem { get; }

    /// <summary>Waits until no message that is due is unfinished, on whichever node.</summary>
    /// <exception cref="TimeoutException">It took longer than <paramref name="timeout"/>.</exception>
    Task WaitForEmpty(TimeSpan timeout);
}

/// <summary>Messages of one kind that wait in a queue.</summary>
/// <param name="Known">False: no handler of this version takes them. They are left alone.</param>
public sealed record QueueStatus(string Queue, string MessageType, long Count, DateTimeOffset OldestSent, bool Known);
