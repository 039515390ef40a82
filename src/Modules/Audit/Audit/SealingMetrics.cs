using System.Diagnostics.Metrics;
using Modular.Store;

namespace Modular.Audit;

/// <summary>How fast the log grows, and how far behind the acts it is: the meter <c>Modular.Audit</c>.</summary>
internal sealed class SealingMetrics : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly Meter _meter = new("Modular.Audit");
    private readonly Counter<long> _entries;
    private readonly Histogram<double> _lag;
    private readonly Counter<long> _contradictions;

    public SealingMetrics(TimeProvider clock)
    {
        _clock = clock;
        _entries = _meter.CreateCounter<long>("modular.audit.entries.sealed", "{entry}", "Entries added to the audit log.");
        _lag = _meter.CreateHistogram<double>(
            "modular.audit.sealing.lag", "s", "From an event's time to its entry: the oldest event of each page.");
        _contradictions = _meter.CreateCounter<long>(
            "modular.audit.checkpoints.refused", "{checkpoint}", "Checkpoints that were not signed because the log is not what was signed before.");
    }

    public void Sealed(IReadOnlyList<IEvent> events)
    {
        _entries.Add(events.Count);
        _lag.Record((_clock.GetUtcNow() - events[0].Timestamp).TotalSeconds);
    }

    public void Contradicted() => _contradictions.Add(1);

    public void Dispose() => _meter.Dispose();
}
