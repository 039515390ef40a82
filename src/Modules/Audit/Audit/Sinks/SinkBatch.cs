using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Modular.Audit.Contracts;

namespace Modular.Audit;

/// <summary>
/// What is sent at once: entries of consecutive positions, as many of them as are wanted. Sent again it is of the same
/// entries, and has the same id (Standard Webhooks 1.0).
/// </summary>
/// <param name="Next">The position behind the last that was looked at.</param>
/// <param name="Body">Null: nothing in it is wanted.</param>
internal sealed record SinkBatch(string Id, long Next, int Entries, byte[]? Body, string ContentType)
{
    /// <summary>One entry more may go beyond it.</summary>
    private const int MostBytes = 512 * 1024;

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Made of entries in the order of their positions; not all of them, where they are too large together.</summary>
    /// <param name="end">Where it ended when it was tried before; null: it is new.</param>
    public static SinkBatch Of(SinkState state, SinkOptions sink, IReadOnlyList<Entry> entries, long? end = null)
    {
        var (wanted, bytes, next) = (new List<(Entry Entry, byte[] Json)>(), 0, state.Next);
        using var identity = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var entry in entries)
        {
            if (end is { } known ? entry.Position >= known : bytes >= MostBytes || wanted.Count == sink.BatchSize)
                break;
            next = entry.Position + 1;
            identity.AppendData(entry.Event.Id.ToByteArray());
            if (!sink.Wants(entry.Event.Module, entry.Event.Type))
                continue;
            var json = EntryJson.Of(entry);
            bytes += json.Length;
            wanted.Add((entry, json));
        }

        // After a restore other entries have the positions that were sent already: a receiver must not take them for known.
        var which = Convert.ToHexStringLower(identity.GetHashAndReset().AsSpan(0, 8));
        var id = string.Create(CultureInfo.InvariantCulture, $"{state.Name}_{state.Run}_{state.Next}_{next}_{which}");
        if (wanted.Count == 0)
            return new SinkBatch(id, next, 0, null, "");
        return sink.Format == SinkOptions.CloudEventsFormat
            ? new SinkBatch(id, next, wanted.Count, CloudEvents(wanted), "application/cloudevents-batch+json")
            : new SinkBatch(id, next, wanted.Count, Json(state, next, wanted), "application/json");
    }

    /// <summary>Signed at the moment it leaves: receivers refuse what is old.</summary>
    public HttpRequestMessage Request(SinkOptions sink, DateTimeOffset now)
    {
        var timestamp = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var request = new HttpRequestMessage(HttpMethod.Post, sink.Url) { Content = new ByteArrayContent(Body!) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(ContentType, "utf-8");
        request.Headers.Add("webhook-id", Id);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", string.Join(' ', Keys(sink).Select(key => Sign(key, Id, timestamp, Body!))));
        return request;
    }

    internal static string Sign(byte[] key, string id, string timestamp, ReadOnlySpan<byte> body)
    {
        var head = Encoding.UTF8.GetBytes($"{id}.{timestamp}.");
        return $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, (byte[])[.. head, .. body]))}";
    }

    private static IEnumerable<byte[]> Keys(SinkOptions sink) => new[] { SinkOptions.KeyOf(sink.Secret), SinkOptions.KeyOf(sink.PreviousSecret) }.OfType<byte[]>();

    private static byte[] Json(SinkState state, long next, List<(Entry Entry, byte[] Json)> wanted) => Written(json =>
    {
        json.WriteStartObject();
        json.WriteString("type", "audit.entries");
        json.WriteString("timestamp", EntryJson.Time(wanted[^1].Entry.Event));
        json.WriteStartObject("data");
        json.WriteString("sink", state.Name);
        json.WriteNumber("from", state.Next);
        json.WriteNumber("next", next);
        json.WriteStartArray("entries");
        foreach (var (_, entry) in wanted)
            json.WriteRawValue(entry, skipInputValidation: true);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    });

    // CloudEvents 1.0, JSON batch format; each as a replay writes it.
    private static byte[] CloudEvents(List<(Entry Entry, byte[] Json)> wanted) => Written(json =>
    {
        json.WriteStartArray();
        foreach (var (entry, _) in wanted)
            json.WriteRawValue(EntryFormats.Write(entry, LogFormat.CloudEvents), skipInputValidation: true);
        json.WriteEndArray();
    });

    private static byte[] Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        using (var json = new Utf8JsonWriter(buffer, Compact))
            write(json);
        return buffer.WrittenSpan.ToArray();
    }
}
