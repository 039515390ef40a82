namespace Modular.Store;

/// <summary>
/// Hears of every batch of events that was sent, before whoever committed goes on: also when the commit failed or nobody
/// knows whether it came through. For what a node remembers and must not answer from any more.
/// </summary>
public interface ICommitWitness
{
    /// <summary>Must be quick and must not throw.</summary>
    void Sent(IEnumerable<IEvent> events);

    /// <summary>The batch is committed: each once. Must be quick and must not throw.</summary>
    void Committed(IEnumerable<IEvent> events)
    {
    }
}
