using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Modular.Store;

/// <summary>
/// Makes the bytes of an event, once, at append: its data as stored, and its canonical form, which the audit log
/// copies and never remakes (DESIGN §7). Personal data goes in as ciphertext.
/// </summary>
internal static class EventWriter
{
    /// <summary>Larger events are refused at append, in bytes of canonical form.</summary>
    public const int MostBytes = 60 * 1024;

    internal static readonly JsonWriterOptions Compact = new() { Encoder = StoreJson.Options.Encoder, SkipValidation = true };

    /// <summary>The subject whose key encrypts where a request came from: the actor, else the person it is about.</summary>
    public static string ClientKeySubject(IEvent e) => e.Metadata.Actor ?? e.Subject
        // Nobody's: a key per month, so that it can be shredded when the month's log is old enough.
        ?? string.Create(CultureInfo.InvariantCulture, $"anonymous:{e.Timestamp:yyyy-MM}");

    /// <summary>The subjects whose keys an event needs.</summary>
    public static IEnumerable<string> SubjectsOf(IEvent e, EventMapping mapping)
    {
        if (e.Metadata.IpAddress is not null || e.Metadata.UserAgent is not null)
            yield return ClientKeySubject(e);
        if (mapping.PersonalMembers.Count > 0)
            yield return PersonalSubject(e);
    }

    /// <summary>An event with personal data and no subject is encrypted with the month's anonymous key.</summary>
    public static string PersonalSubject(IEvent e) =>
        e.Subject ?? string.Create(CultureInfo.InvariantCulture, $"anonymous:{e.Timestamp:yyyy-MM}");

    /// <summary>The data as stored: JSON, personal members as <c>{"key":…,"enc":…}</c>.</summary>
    public static byte[] Data(IEvent e, EventMapping mapping, IReadOnlyDictionary<string, SubjectKey> keys)
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(e.Data, mapping.StoredAs, StoreJson.Options);
        if (mapping.PersonalMembers.Count == 0)
            return plain;

        var key = keys[PersonalSubject(e)];
        using var document = JsonDocument.Parse(plain);
        var buffer = new ArrayBufferWriter<byte>(plain.Length * 2);
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                if (mapping.PersonalMembers.Contains(member.Name) && member.Value.ValueKind != JsonValueKind.Null)
                    WriteSealed(json, key, Encoding.UTF8.GetBytes(member.Value.GetRawText()), Place(e.Id, member.Name));
                else
                    member.Value.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The canonical form: one JSON object, members in this order, no white space.</summary>
    /// <exception cref="ArgumentException">It would be larger than <see cref="MostBytes"/>.</exception>
    public static byte[] Canonical(
        IEvent e, EventMapping mapping, byte[] data, IReadOnlyDictionary<string, SubjectKey> keys)
    {
        var buffer = new ArrayBufferWriter<byte>(data.Length + 512);
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteNumber("v", 1);
            json.WriteString("id", e.Id);
            json.WriteString("time", e.Timestamp.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("module", e.Module);
            json.WriteString("type", e.EventTypeName);
            json.WriteString("outcome", mapping.Outcome == EventOutcome.Refused ? "refused" : "success");
            json.WriteString("reason", mapping.ReasonOf(e.Data));
            json.WriteString("actor", e.Metadata.Actor);
            json.WriteString("subject", e.Subject);
            json.WriteString("session", e.Metadata.SessionId);
            json.WriteString("organization", e.Metadata.OrganizationId);
            json.WriteString("request", e.Metadata.CorrelationId);
            json.WriteString("cause", e.Metadata.CausationId);
            json.WriteString("stream", e.StreamKey);
            WriteClient(json, e, keys);
            json.WritePropertyName("data");
            json.WriteRawValue(data, skipInputValidation: true);
            json.WriteEndObject();
        }

        return buffer.WrittenCount <= MostBytes
            ? buffer.WrittenSpan.ToArray()
            : throw new ArgumentException($"The event {e.EventTypeName} is larger than {MostBytes} bytes.");
    }

    /// <summary>Where a sealed value belongs; a ciphertext moved elsewhere does not open.</summary>
    public static byte[] Place(Guid eventId, string member) => Encoding.UTF8.GetBytes($"{eventId:N}/{member}");

    private static void WriteClient(Utf8JsonWriter json, IEvent e, IReadOnlyDictionary<string, SubjectKey> keys)
    {
        json.WritePropertyName("client");
        if (e.Metadata.IpAddress is null && e.Metadata.UserAgent is null)
        {
            json.WriteNullValue();
            return;
        }

        var plain = JsonSerializer.SerializeToUtf8Bytes(
            new ClientOrigin(e.Metadata.IpAddress, e.Metadata.UserAgent), StoreJson.Options);
        WriteSealed(json, keys[ClientKeySubject(e)], plain, Place(e.Id, "client"));
    }

    private static void WriteSealed(Utf8JsonWriter json, SubjectKey key, byte[] plain, byte[] place)
    {
        // Somebody who is erased already stays erased: a late event about them keeps no personal data.
        if (key.Secret is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteString("key", key.Subject);
        json.WriteBase64String("enc", SealedBytes.Seal(key.Secret, plain, place));
        json.WriteEndObject();
    }
}

/// <summary>Where a request came from: the encrypted part of an event's metadata.</summary>
internal sealed record ClientOrigin(string? Ip, string? UserAgent);
