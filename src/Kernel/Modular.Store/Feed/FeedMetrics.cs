using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Modular.Store;

/// <summary>
/// How far each subscription of this node is behind what is committed, in seconds. It grows while an open transaction
/// of whomever holds the feed back, and while a page fails (DESIGN §4).
/// </summary>
internal sealed class FeedMetrics : IDisposable
{
    public const string MeterName = "Modular.Store";

    private readonly ConcurrentDictionary<string, DateTimeOffset?> _behindSince = new();
    private readonly Meter _meter;
    private readonly TimeProvider _clock;

    public FeedMetrics(TimeProvider clock)
    {
        _clock = clock;
        _meter = new Meter(MeterName, null, null, scope: this);
        _meter.CreateObservableGauge("modular.store.subscription.lag", Measure, "s", "Age of the oldest committed event that is not applied yet");
    }

    public void Dispose() => _meter.Dispose();

    /// <summary>Everything committed is applied.</summary>
    public void IsUpToDate(string subscription) => _behindSince[subscription] = null;

    /// <summary>An event of this time is the oldest that is not applied.</summary>
    public void Applies(string subscription, DateTimeOffset oldest) => _behindSince[subscription] = oldest;

    /// <summary>Something is committed that may not be read yet.</summary>
    public void IsHeldBack(string subscription) =>
        _behindSince.AddOrUpdate(subscription, _ => _clock.GetUtcNow(), (_, known) => known ?? _clock.GetUtcNow());

    /// <summary>Another node works on it now, or none.</summary>
    public void Stops(string subscription) => _behindSince.TryRemove(subscription, out _);

    private IEnumerable<Measurement<double>> Measure()
    {
        var now = _clock.GetUtcNow();
        return [.. _behindSince.Select(entry => new Measurement<double>(
            entry.Value is { } since ? Math.Max(0, (now - since).TotalSeconds) : 0,
            new KeyValuePair<string, object?>("subscription", entry.Key)))];
    }
}
