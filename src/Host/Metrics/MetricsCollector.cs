using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Modular.Store;

namespace Modular.Host.Metrics;

/// <summary>
/// Listens to the meters of ours, of Npgsql, of the runtime and of Kestrel's connections, and adds up what they measure.
/// Not to those of the framework's requests: they would measure the session check too, which takes less than measuring it.
/// It has counters of its own, which are read when somebody asks.
/// </summary>
internal sealed partial class MetricsCollector : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly ConcurrentDictionary<string, MetricFamily> families = new(StringComparer.Ordinal);
    private readonly IMeterFactory meters;
    private readonly IReadOnlyList<IMeasuredOnDemand> onDemand;
    private readonly ILogger<MetricsCollector> log;
    private readonly SemaphoreSlim one = new(1);
    private long scrape;

    public MetricsCollector(IMeterFactory meters, IEnumerable<IMeasuredOnDemand> onDemand, ILogger<MetricsCollector> log)
    {
        (this.meters, this.log) = (meters, log);
        this.onDemand = [.. onDemand];
        listener.InstrumentPublished = Meet;
        listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Record(value, tags, state));
        listener.SetMeasurementEventCallback<short>((_, value, tags, state) => Record(value, tags, state));
        listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Record(value, tags, state));
        listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Record(value, tags, state));
        listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Record(value, tags, state));
        listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Record(value, tags, state));
        listener.SetMeasurementEventCallback<decimal>((_, value, tags, state) => Record((double)value, tags, state));
    }

    /// <summary>Everything that could be measured, whether it has been or not.</summary>
    public IEnumerable<string> Names => families.Keys;

    public void Start() => listener.Start();

    public void Dispose()
    {
        listener.Dispose();
        one.Dispose();
    }

    /// <summary>All of it as text, as of now. One scrape after the other.</summary>
    public async Task<string> Scrape(CancellationToken ct)
    {
        await one.WaitAsync(ct);
        try
        {
            foreach (var source in onDemand)
                await source.Measure(ct);
            scrape++;
            try
            {
                listener.RecordObservableInstruments();
            }
            catch (AggregateException failure)
            {
                // The others were asked all the same.
                NotMeasured(log, failure);
            }

            var text = new StringBuilder();
            foreach (var family in families.Values.OrderBy(family => family.Name, StringComparer.Ordinal))
                family.Write(text, scrape);
            return text.ToString();
        }
        finally
        {
            one.Release();
        }
    }

    private void Meet(Instrument instrument, MeterListener listening)
    {
        var name = instrument.Meter.Name;
        var isOurs = name.StartsWith("Modular.", StringComparison.Ordinal) || name is "Npgsql" or "System.Runtime" or "Microsoft.AspNetCore.Server.Kestrel";
        // A factory's meters are those of its host; a process of tests has several.
        if (!isOurs || (instrument.Meter.Scope is IMeterFactory factory && factory != meters))
            return;
        var family = new MetricFamily(instrument);
        listening.EnableMeasurementEvents(instrument, families.GetOrAdd(family.Name, family));
    }

    private void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        ((MetricFamily)state!).Record(value, tags, scrape);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Some metrics could not be measured")]
    private static partial void NotMeasured(ILogger log, Exception failure);
}
