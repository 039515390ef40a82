using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Modular.Host.Metrics;

internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>
/// Everything measured under one name: a series per set of labels, of which there are at most <see cref="MostSeries"/>; what
/// comes beyond is counted in one series of its own, so that no label can fill the memory.
/// </summary>
internal sealed class MetricFamily
{
    public const int MostSeries = 1000;

    /// <summary>The label of the series that takes what is beyond the limit.</summary>
    public const string Overflow = "{overflow=\"true\"}";

    private static readonly double[] Seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
    private static readonly double[] Bytes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    private static readonly double[] Amounts = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 1e4];

    private readonly ConcurrentDictionary<LabelSet, Series> series = new();
    private readonly ConcurrentDictionary<string, Series> byText = new(StringComparer.Ordinal);
    private readonly string help;

    public MetricFamily(Instrument instrument)
    {
        (Kind, IsObserved) = (KindOf(instrument), instrument.IsObservable);
        Name = MetricName.Of(instrument, Kind);
        help = instrument.Description ?? instrument.Name;
        Bounds = Kind == MetricKind.Histogram ? BoundsOf(instrument) : [];
    }

    public string Name { get; }

    public MetricKind Kind { get; }

    /// <summary>The upper bounds of a histogram's buckets, without the last, which is infinite.</summary>
    public IReadOnlyList<double> Bounds { get; }

    private bool IsObserved { get; }

    /// <summary>What came of one measurement. One that is no number is left out: nobody can add to it.</summary>
    /// <param name="value">Measured.</param>
    /// <param name="tags">Its labels.</param>
    /// <param name="scrape">The running number of the scrape that asked, of an instrument that is asked.</param>
    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, long scrape)
    {
        if (!double.IsFinite(value))
            return;
        var one = Find(new LabelSet(tags));
        if (IsObserved)
            one.Set(value, scrape);
        else if (Kind == MetricKind.Histogram)
            one.Observe(value, Bounds);
        else
            one.Add(value);
    }

    /// <summary>Writes it as Prometheus' text format 0.0.4 has it; nothing while nothing was measured.</summary>
    public void Write(StringBuilder text, long scrape)
    {
        var shown = byText.Where(one => !IsObserved || one.Value.Scrape == scrape).OrderBy(one => one.Key, StringComparer.Ordinal).ToList();
        if (shown.Count == 0)
            return;
        text.Append("# HELP ").Append(Name).Append(' ').Append(MetricText.Help(help)).Append('\n');
        text.Append("# TYPE ").Append(Name).Append(' ').Append(Kind switch { MetricKind.Counter => "counter", MetricKind.Gauge => "gauge", _ => "histogram" }).Append('\n');
        foreach (var (labels, one) in shown)
        {
            if (Kind == MetricKind.Histogram)
                WriteBuckets(text, labels, one);
            else
                text.Append(Name).Append(labels).Append(' ').Append(MetricText.Number(one.Value)).Append('\n');
        }
    }

    private void WriteBuckets(StringBuilder text, string labels, Series one)
    {
        var (counts, sum) = one.Buckets();
        var open = labels.Length == 0 ? "{" : $"{labels[..^1]},";
        var below = 0L;
        for (var at = 0; at < counts.Length; at++)
        {
            below += counts[at];
            var bound = at < Bounds.Count ? MetricText.Number(Bounds[at]) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"{Name}_bucket{open}le=\"{bound}\"}} {below}\n");
        }

        text.Append(Name).Append("_sum").Append(labels).Append(' ').Append(MetricText.Number(sum)).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"{Name}_count{labels} {below}\n");
    }

    private Series Find(LabelSet labels)
    {
        if (series.TryGetValue(labels, out var known))
            return known;
        // The same labels in another order are the same series.
        var text = labels.ToString();
        var one = byText.TryGetValue(text, out var same) ? same : byText.GetOrAdd(byText.Count < MostSeries ? text : Overflow, _ => new Series(Bounds.Count));
        if (series.Count < 2 * MostSeries)
            series.TryAdd(labels, one);
        return one;
    }

    private static MetricKind KindOf(Instrument instrument) => instrument.GetType().GetGenericTypeDefinition() switch
    {
        var type when type == typeof(Counter<>) || type == typeof(ObservableCounter<>) => MetricKind.Counter,
        var type when type == typeof(Histogram<>) => MetricKind.Histogram,
        _ => MetricKind.Gauge,
    };

    // What the instrument's author advises, else by its unit.
    private static IReadOnlyList<double> BoundsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { Count: > 0 } advised } => advised,
        { Unit: "s" } => Seconds,
        { Unit: "ms" } => [.. Seconds.Select(bound => bound * 1000)],
        { Unit: "By" } => Bytes,
        _ => Amounts,
    };
}

/// <summary>One line of figures.</summary>
internal sealed class Series(int bounds)
{
    private readonly long[] buckets = new long[bounds + 1];
    private double value;
    private long scrape;

    public double Value => Volatile.Read(ref value);

    /// <summary>When it was last asked for; what is not there any more is not shown any more.</summary>
    public long Scrape => Volatile.Read(ref scrape);

    public void Set(double now, long asked)
    {
        Volatile.Write(ref value, now);
        Volatile.Write(ref scrape, asked);
    }

    public void Add(double by)
    {
        var known = Volatile.Read(ref value);
        while (Interlocked.CompareExchange(ref value, known + by, known) is var found && BitConverter.DoubleToInt64Bits(found) != BitConverter.DoubleToInt64Bits(known))
            known = found;
    }

    public void Observe(double measured, IReadOnlyList<double> upper)
    {
        var at = 0;
        while (at < upper.Count && measured > upper[at])
            at++;
        Interlocked.Increment(ref buckets[at]);
        Add(measured);
    }

    /// <summary>Counts, and their sum, which may be a measurement ahead or behind of them.</summary>
    public (long[] Counts, double Sum) Buckets()
    {
        var counts = new long[buckets.Length];
        for (var at = 0; at < counts.Length; at++)
            counts[at] = Interlocked.Read(ref buckets[at]);
        return (counts, Value);
    }
}

/// <summary>The labels of a measurement as they came.</summary>
internal readonly struct LabelSet : IEquatable<LabelSet>
{
    private readonly KeyValuePair<string, object?>[] tags;
    private readonly int hash;

    public LabelSet(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        this.tags = tags.ToArray();
        var code = default(HashCode);
        foreach (var tag in this.tags)
        {
            code.Add(tag.Key);
            code.Add(tag.Value);
        }

        hash = code.ToHashCode();
    }

    public bool Equals(LabelSet other) => tags.AsSpan().SequenceEqual(other.tags);

    public override bool Equals(object? obj) => obj is LabelSet other && Equals(other);

    public override int GetHashCode() => hash;

    // A pool without a name goes by its connection string, which is nobody's business.
    private static object? Shown(string name, object? value) =>
        name == "db_client_connection_pool_name" && value is string text && text.Contains('=') ? "unnamed" : value;

    /// <summary><c>{name="value",…}</c> in the order of the names; empty without any.</summary>
    public override string ToString() => tags.Length == 0
        ? ""
        : $"{{{string.Join(',', tags.Select(tag => (Name: MetricName.OfLabel(tag.Key), tag.Value))
            .DistinctBy(tag => tag.Name).OrderBy(tag => tag.Name, StringComparer.Ordinal)
            .Select(tag => $"{tag.Name}=\"{MetricText.Label(Shown(tag.Name, tag.Value))}\""))}}}";
}
