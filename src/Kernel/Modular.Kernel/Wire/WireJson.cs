using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace Modular.Kernel;

/// <summary>
/// JSON as the wire contract §1 wants it: camel case, nulls written, times in UTC with exactly three digits and <c>Z</c>,
/// characters escaped as sparingly as by JavaScript's <c>JSON.stringify</c> (but for those beyond U+FFFF, which the framework
/// always escapes), <c>application/json</c> without a charset.
/// </summary>
public static class WireJson
{
    /// <summary>Read-only; times that carry no zone are taken as UTC.</summary>
    public static readonly JsonSerializerOptions Options = Make();

    /// <summary>200 with this body; <see langword="null"/> is a legal body (contract §1).</summary>
    public static IResult Ok(object? body) => Json(body, StatusCodes.Status200OK);

    /// <summary>This body with another status.</summary>
    public static IResult Json(object? body, int status) => new JsonResult(body, status);

    /// <summary>302 with an empty body (contract §1). The target goes out as it is, but for characters no header may hold.</summary>
    public static IResult Redirect(string url) => new RedirectResult(url);

    /// <summary>
    /// A URL as the value of a <c>Location</c> header: characters outside printable ASCII percent-encoded, the rest untouched.
    /// Kestrel refuses others, and a raw line break would end the header.
    /// </summary>
    public static string Location(string url) => url.All(IsPrintable)
        ? url
        : string.Concat(url.EnumerateRunes().Select(rune => rune.IsAscii && IsPrintable((char)rune.Value) ? rune.ToString() : Uri.EscapeDataString(rune.ToString())));

    /// <summary>A time as every answer writes it: <c>2026-11-20T21:43:13.592Z</c>.</summary>
    public static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    internal static async Task Write(HttpResponse response, object? body, string contentType = "application/json")
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, body?.GetType() ?? typeof(object), Options);
        response.ContentType = contentType;
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, response.HttpContext.RequestAborted);
    }

    private static bool IsPrintable(char character) => character is > ' ' and <= '~';

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            Converters = { new TimeConverter(), new ZonelessTimeConverter() },
        };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private sealed class JsonResult(object? body, int status) : IResult, IStatusCodeHttpResult, IValueHttpResult
    {
        public int? StatusCode => status;

        public object? Value => body;

        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = status;
            return Write(httpContext.Response, body);
        }
    }

    private sealed class RedirectResult(string url) : IResult, IStatusCodeHttpResult
    {
        public int? StatusCode => StatusCodes.Status302Found;

        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status302Found;
            httpContext.Response.Headers.Location = Location(url);
            return Task.CompletedTask;
        }
    }

    // As Time, by the format for which the framework has a short way, cut at the millisecond: every session check writes seven.
    private static void WriteTime(Utf8JsonWriter writer, DateTime at)
    {
        const int Milliseconds = 23;
        Span<byte> text = stackalloc byte["yyyy-MM-ddTHH:mm:ss.fffffffZ".Length];
        DateTime.SpecifyKind(at, DateTimeKind.Utc).TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        text[Milliseconds] = (byte)'Z';
        writer.WriteStringValue(text[..(Milliseconds + 1)]);
    }

    private sealed class TimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => WriteTime(writer, value.UtcDateTime);
    }

    private sealed class ZonelessTimeConverter : JsonConverter<DateTime>
    {
        public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTime();

        public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
            WriteTime(writer, value.Kind == DateTimeKind.Unspecified ? value : value.ToUniversalTime());
    }
}
