using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Modular.Store;

namespace Modular.Audit;

/// <summary>How an entry is shown: the same object in lists, alone and in a replay.</summary>
internal static class EntryJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Of(Entry entry)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Compact))
            Write(json, entry, EntrySight.Everything);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary><c>{"entries":[…],"next":…}</c>, and how many there are where that was asked.</summary>
    public static IResult Page(EntryPage page, EntrySight sight)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteStartArray("entries");
            foreach (var entry in page.Entries)
                Write(json, entry, sight);
            json.WriteEndArray();
            WriteNumber(json, "next", page.Next);
            if (page.Count is { } count)
            {
                json.WriteNumber("count", count.Entries);
                json.WriteBoolean("isCapped", count.IsCapped);
            }

            json.WriteEndObject();
        }

        return new BytesResult(buffer.WrittenMemory);
    }

    public static IResult One(Entry entry) => new BytesResult(Of(entry));

    private static void Write(Utf8JsonWriter json, Entry entry, EntrySight sight)
    {
        var e = entry.Event;
        var hidesOrigin = sight.HidesOrigin(e);
        json.WriteStartObject();
        json.WriteNumber("position", entry.Position);
        json.WriteString("id", e.Id);
        json.WriteString("time", Time(e));
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
        json.WriteRawValue(sight.HidesData(e) ? "null"u8 : e.Data.Span, skipInputValidation: true);
        json.WriteEndObject();
    }

    public static string Time(CanonicalEvent e) => e.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

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

/// <summary>How much of an entry its reader is shown.</summary>
/// <param name="Reader">Null: somebody who may see everything.</param>
/// <param name="IsOfOrganization">An administrator of the organization reads, not whom it concerns.</param>
internal sealed record EntrySight(string? Reader, bool IsOfOrganization = false)
{
    public static readonly EntrySight Everything = new(Reader: null);

    /// <summary>
    /// From where an administrator acted is not for the person they acted on; from where a stranger tried to sign in is.
    /// Nor is from where a member acts for those who run the organization.
    /// </summary>
    public bool HidesOrigin(CanonicalEvent e) => Reader is not null && e.Actor != Reader && (e.Actor is not null || IsOfOrganization);

    /// <summary>Data may say the same; what became of an organization does not.</summary>
    public bool HidesData(CanonicalEvent e) => HidesOrigin(e) && !IsOfOrganization;
}
