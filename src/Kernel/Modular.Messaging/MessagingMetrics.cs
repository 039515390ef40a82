using System.Diagnostics.Metrics;

namespace Modular.Messaging;

/// <summary>The meter <c>Modular.Messaging</c>; every figure is tagged with its queue.</summary>
internal sealed class MessagingMetrics
{
    private readonly Counter<long> _handled;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _dead;
    private readonly TimeProvider _clock;

    private IReadOnlyList<Depth> _depths = [];

    public MessagingMetrics(IMeterFactory meters, TimeProvider clock)
    {
        _clock = clock;
        var meter = meters.Create("Modular.Messaging");
        _handled = meter.CreateCounter<long>("modular.messaging.handled", "{message}", "Messages handled by this node.");
        _failed = meter.CreateCounter<long>("modular.messaging.failed", "{attempt}", "Attempts that failed on this node.");
        _dead = meter.CreateCounter<long>("modular.messaging.dead", "{message}", "Messages this node gave up.");
        meter.CreateObservableGauge("modular.messaging.depth", Depths, "{message}", "Messages in the table, scheduled ones included.");
        meter.CreateObservableGauge("modular.messaging.oldest_age", Ages, "s", "Age of the oldest message in the table.");
    }

    public void Handled(string queue) => _handled.Add(1, new KeyValuePair<string, object?>("queue", queue));

    public void Failed(string queue) => _failed.Add(1, new KeyValuePair<string, object?>("queue", queue));

    public void Dead(string queue) => _dead.Add(1, new KeyValuePair<string, object?>("queue", queue));

    public void Counted(IReadOnlyList<Depth> depths) => Volatile.Write(ref _depths, depths);

    private IEnumerable<Measurement<long>> Depths() => Volatile.Read(ref _depths)
        .GroupBy(depth => depth.Queue)
        .Select(queue => new Measurement<long>(queue.Sum(depth => depth.Count), new KeyValuePair<string, object?>("queue", queue.Key)));

    private IEnumerable<Measurement<double>> Ages() => Volatile.Read(ref _depths)
        .GroupBy(depth => depth.Queue)
        .Select(queue => new Measurement<double>(
            (_clock.GetUtcNow() - queue.Min(depth => depth.OldestSent)).TotalSeconds, new KeyValuePair<string, object?>("queue", queue.Key)));
}
