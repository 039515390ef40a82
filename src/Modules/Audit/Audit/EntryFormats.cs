using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Modular.Audit.Contracts;

namespace Modular.Audit;

/// <summary>What an entry is written as where it leaves the server one by one.</summary>
internal static class EntryFormats
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(Entry entry, LogFormat format) => format switch
    {
        LogFormat.Csv => Csv(entry),
        LogFormat.CloudEvents => CloudEvent(entry),
        _ => EntryJson.Of(entry),
    };

    /// <summary>RFC 4180, with the columns of <see cref="LogEntry.CsvHeader"/>.</summary>
    private static byte[] Csv(Entry entry)
    {
        var e = entry.Event;
        string?[] values =
        [
            entry.Position.ToString(CultureInfo.InvariantCulture), e.Id.ToString(), EntryJson.Time(e), e.Module, e.Type, e.Outcome, e.Reason, e.Actor,
            e.Subject, e.Session, e.Organization, e.IpAddress, e.UserAgent, e.Request, e.Cause, e.Stream, Encoding.UTF8.GetString(e.Data.Span),
        ];
        return Encoding.UTF8.GetBytes(string.Join(',', values.Select(Field)));
    }

    // What a spreadsheet would take for a formula is marked as text (OWASP, "CSV Injection"): user agents are strangers' words.
    private static string Field(string? value)
    {
        if (string.IsNullOrEmpty(value))
            return "";
        var text = value[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '＝' or '＋' or '－' or '＠' ? $"'{value}" : value;
        return text.AsSpan().ContainsAny("\",\r\n'") || char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1])
            ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : text;
    }

    /// <summary>CloudEvents 1.0.2, JSON event format; attributes of ours are extensions, and what is not there is left out.</summary>
    private static byte[] CloudEvent(Entry entry)
    {
        var e = entry.Event;
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteString("specversion", "1.0");
            json.WriteString("id", e.Id);
            json.WriteString("source", $"/api/audit/{e.Module}");
            json.WriteString("type", e.Type);
            json.WriteString("time", EntryJson.Time(e));
            Attribute("subject", e.Subject);
            json.WriteString("datacontenttype", "application/json");
            json.WriteString("position", entry.Position.ToString(CultureInfo.InvariantCulture));
            json.WriteString("outcome", e.Outcome);
            Attribute("reason", e.Reason);
            Attribute("actor", e.Actor);
            Attribute("session", e.Session);
            Attribute("organization", e.Organization);
            Attribute("ip", e.IpAddress);
            Attribute("useragent", e.UserAgent);
            Attribute("request", e.Request);
            Attribute("cause", e.Cause);
            Attribute("stream", e.Stream);
            json.WritePropertyName("data");
            json.WriteRawValue(e.Data.Span, skipInputValidation: true);
            json.WriteEndObject();

            void Attribute(string name, string? value)
            {
                if (!string.IsNullOrEmpty(value))
                    json.WriteString(name, value);
            }
        }

        return buffer.WrittenSpan.ToArray();
    }
}
