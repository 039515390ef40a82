using Modular.Audit.Contracts;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>How a replay goes over the wire: the format of each entry, and what is around them.</summary>
internal sealed record ReplayShape(LogFormat Format, string ContentType)
{
    public const string Ndjson = "application/x-ndjson";

    private const string ServerSentEvents = "text/event-stream";
    private const string Csv = "text/csv";
    private const string Batch = "application/cloudevents-batch+json";
    private const string OneEvent = "application/cloudevents+json";

    private static readonly Refusal InvalidFormat = Refusal.BadRequest(
        "invalid_format", "A format is ndjson, csv, cloudevents or cloudevents-batch; a stream of events is of JSON or CloudEvents");

    /// <summary>Server-sent events, which can be resumed.</summary>
    public bool IsStream => ContentType == ServerSentEvents;

    /// <summary>An array that is never closed is no JSON.</summary>
    public bool HasEnd => ContentType == Batch;

    public string? FileName => Format == LogFormat.Csv ? "audit.csv" : null;

    public ReadOnlySpan<byte> Before => HasEnd ? "["u8 : Format == LogFormat.Csv ? CsvHeader : default;

    public ReadOnlySpan<byte> Between => HasEnd ? ","u8 : default;

    public ReadOnlySpan<byte> Behind => HasEnd ? default : IsStream ? "\n\n"u8 : Format == LogFormat.Csv ? "\r\n"u8 : "\n"u8;

    public ReadOnlySpan<byte> After => HasEnd ? "]"u8 : default;

    private static readonly byte[] CsvHeader = System.Text.Encoding.ASCII.GetBytes(LogEntry.CsvHeader + "\r\n");

    /// <summary>By the parameter, or else by the header; without a word of either NDJSON.</summary>
    public static Outcome<ReplayShape> Read(string? format, string accept)
    {
        var wanted = (format ?? "", Accepts(accept, ServerSentEvents)) switch
        {
            ("", true) or ("ndjson", true) => new ReplayShape(LogFormat.Json, ServerSentEvents),
            ("cloudevents", true) => new ReplayShape(LogFormat.CloudEvents, ServerSentEvents),
            (_, true) => null,
            ("", _) when Accepts(accept, Ndjson) => new ReplayShape(LogFormat.Json, Ndjson),
            ("", _) when Accepts(accept, Csv) => Table,
            ("", _) when Accepts(accept, Batch) => new ReplayShape(LogFormat.CloudEvents, Batch),
            ("", _) when Accepts(accept, OneEvent) => new ReplayShape(LogFormat.CloudEvents, Ndjson),
            ("" or "ndjson", _) => new ReplayShape(LogFormat.Json, Ndjson),
            ("csv", _) => Table,
            ("cloudevents", _) => new ReplayShape(LogFormat.CloudEvents, Ndjson),
            ("cloudevents-batch", _) => new ReplayShape(LogFormat.CloudEvents, Batch),
            _ => null,
        };
        return wanted is null ? InvalidFormat : wanted;
    }

    private static ReplayShape Table => new(LogFormat.Csv, $"{Csv}; charset=utf-8; header=present");

    private static bool Accepts(string header, string type) => header.Contains(type, StringComparison.OrdinalIgnoreCase);
}
