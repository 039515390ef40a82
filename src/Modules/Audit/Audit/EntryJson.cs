using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Modular.Audit;

/// <summary>How an entry is shown: the same object in lists, alone and in a replay.</summary>
internal static class EntryJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Of(Entry entry)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Compact))
            Write(json, entry, reader: null);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary><c>{"entries":[…],"next":…}</c>.</summary>
    /// <param name="page">What to show.</param>
    /// <param name="reader">The user who reads about themselves; null for those who may see everything.</param>
    public static IResult Page(EntryPage page, string? reader = null)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteStartArray("entries");
            foreach (var entry in page.Entries)
                Write(json, entry, reader);
            json.WriteEndArray();
            WriteNumber(json, "next", page.Next);
            json.WriteEndObject();
        }

        return new BytesResult(buffer.WrittenMemory);
    }

    public static IResult One(Entry entry) => new BytesResult(Of(entry));

    private static void Write(Utf8JsonWriter json, Entry entry, string? reader)
    {
        var e = entry.Event;
        // From where an administrator acted is not for the person they acted on (and data may say it too); from where a
        // stranger tried to sign in is.
        var hidesOrigin = reader is not null && e.Actor is not null && e.Actor != reader;
        json.WriteStartObject();
        json.WriteNumber("position", entry.Position);
        json.WriteString("id", e.Id);
        json.WriteString("time", e.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("module", e.Module);
        json.WriteString("type", e.Type);
        json.WriteString("outcome", e.Outcome);
        json.WriteString("reason", e.Reason);
        json.WriteString("actor", e.Actor);
        json.WriteString("subject", e.Subject);
        json.WriteString("session", hidesOrigin ? null : e.Session);
        json.WriteString("organization", e.Organization);
        json.WriteString("ip", hidesOrigin ? null : e.IpAddress);
        json.WriteString("userAgent", hidesOrigin ? null : e.UserAgent);
        json.WriteString("request", e.Request);
        json.WriteString("cause", e.Cause);
        json.WriteString("stream", e.Stream);
        json.WritePropertyName("data");
        json.WriteRawValue(hidesOrigin ? "null"u8 : e.Data.Span, skipInputValidation: true);
        json.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }

    private sealed class BytesResult(ReadOnlyMemory<byte> bytes) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = "application/json";
            httpContext.Response.ContentLength = bytes.Length;
            httpContext.Response.Headers.CacheControl = "no-store";
            await httpContext.Response.Body.WriteAsync(bytes, httpContext.RequestAborted);
        }
    }
}
