using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Modular.Host.Metrics;

/// <summary>Names as Prometheus has them: underscores, the unit written out, <c>_total</c> behind a counter's.</summary>
internal static class MetricName
{
    private static readonly Dictionary<string, string> Units = new()
    {
        ["s"] = "seconds",
        ["ms"] = "milliseconds",
        ["us"] = "microseconds",
        ["ns"] = "nanoseconds",
        ["min"] = "minutes",
        ["h"] = "hours",
        ["d"] = "days",
        ["By"] = "bytes",
        ["KiBy"] = "kibibytes",
        ["MiBy"] = "mebibytes",
        ["Cel"] = "celsius",
        ["Hz"] = "hertz",
        ["%"] = "percent",
    };

    public static string Of(Instrument instrument, MetricKind kind)
    {
        var name = Clean(instrument.Name);
        // Of a dimension of its own, e.g. {request}, nothing is said; a share is a ratio.
        var unit = instrument.Unit switch
        {
            null or "" or ['{', ..] => null,
            "1" => kind == MetricKind.Gauge ? "ratio" : null,
            { } given => Units.GetValueOrDefault(given),
        };
        if (unit is not null && !name.EndsWith($"_{unit}", StringComparison.Ordinal))
            name = $"{name}_{unit}";
        return kind == MetricKind.Counter && !name.EndsWith("_total", StringComparison.Ordinal) ? $"{name}_total" : name;
    }

    /// <summary>Of a label; <c>le</c> belongs to histograms.</summary>
    public static string OfLabel(string name) => Clean(name).Replace(':', '_') is var clean && clean is "le" ? "le_" : clean;

    private static string Clean(string name)
    {
        var text = new StringBuilder(name.Length + 1);
        foreach (var letter in name)
            text.Append(char.IsAsciiLetterOrDigit(letter) || letter is '_' or ':' ? letter : '_');
        return text.Length == 0 || char.IsAsciiDigit(text[0]) ? $"_{text}" : text.ToString();
    }
}

/// <summary>What stands in the text format, escaped as it wants it.</summary>
internal static class MetricText
{
    public static string Help(string text) => text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    public static string Label(object? value) => (value switch
    {
        null => "",
        bool truth => truth ? "true" : "false",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    }).Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    public static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
