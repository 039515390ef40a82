using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Modular.Audit;

/// <summary>How sinks keep up, on the node that serves them: the meter <c>Modular.Audit</c>.</summary>
internal sealed class SinkMetrics : IDisposable
{
    private readonly ConcurrentDictionary<string, long> _behind = new();
    private readonly ConcurrentDictionary<string, string> _failing = new();
    private readonly Meter _meter = new("Modular.Audit");
    private readonly Counter<long> _entries;
    private readonly Counter<long> _failures;

    public SinkMetrics()
    {
        _entries = _meter.CreateCounter<long>("modular.audit.sink.entries", "{entry}", "Entries that a sink has taken.");
        _failures = _meter.CreateCounter<long>("modular.audit.sink.failures", "{attempt}", "Attempts that a sink has not taken.");
        _meter.CreateObservableGauge(
            "modular.audit.sink.behind",
            () => _behind.Select(sink => new Measurement<long>(sink.Value, new KeyValuePair<string, object?>("sink", sink.Key))),
            "{entry}", "Entries that a sink has still to get.");
    }

    /// <summary>What is the matter with the sinks that this node serves.</summary>
    public IReadOnlyCollection<string> Problems => [.. _failing.Select(sink => $"{sink.Key}: {sink.Value}")];

    public void Dispose() => _meter.Dispose();

    public void Sent(string sink, int entries)
    {
        _failing.TryRemove(sink, out _);
        _entries.Add(entries, new KeyValuePair<string, object?>("sink", sink));
    }

    public void Failed(string sink, string why)
    {
        _failing[sink] = why;
        _failures.Add(1, new KeyValuePair<string, object?>("sink", sink));
    }

    public void IsBehind(string sink, long entries) => _behind[sink] = entries;

    /// <summary>Another node serves it, or none.</summary>
    public void Stops(string sink)
    {
        _behind.TryRemove(sink, out _);
        _failing.TryRemove(sink, out _);
    }
}
