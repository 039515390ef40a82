using System.Buffers;
using System.Text.Json;
using Npgsql;

namespace Modular.Store;

/// <summary>Reads stored events back: finds their type, opens personal data whose key still exists, upcasts.</summary>
internal sealed class EventReader(StoreRegistry registry, SubjectKeys keys)
{
    /// <summary>The columns that <see cref="RowOf"/> expects, in order.</summary>
    public const string Columns = "epoch, xact, seq_id, id, stream_id, version, timestamp, type, canonical";

    private static readonly IReadOnlySet<string> NoMembers = new HashSet<string>();
    private static readonly IReadOnlyDictionary<string, SubjectKey> NoKeys = new Dictionary<string, SubjectKey>();

    /// <summary>A row as it is stored, not yet decoded.</summary>
    internal readonly record struct Row(
        FeedPosition Position, Guid Id, string StreamKey, long Version, DateTimeOffset Timestamp, string Type, byte[] Canonical);

    public static Row RowOf(NpgsqlDataReader row, string module) => new(
        new FeedPosition(row.GetInt32(0), row.GetFieldValue<ulong>(1), module, row.GetInt64(2)),
        row.GetGuid(3),
        row.GetString(4),
        row.GetInt64(5),
        new DateTimeOffset(row.GetDateTime(6), TimeSpan.Zero),
        row.GetString(7),
        row.GetFieldValue<byte[]>(8));

    /// <summary>Decodes rows; the keys they need are read by at most one query.</summary>
    public async Task<List<IEvent>> Decode(IReadOnlyList<Row> rows, CancellationToken ct)
    {
        var outlines = new (EventMapping Mapping, Outline Outline)[rows.Count];
        var subjects = new HashSet<string>();
        for (var at = 0; at < outlines.Length; at++)
        {
            var mapping = Mapping(rows[at]);
            var outline = Outline.Of(rows[at].Canonical);
            outlines[at] = (mapping, outline);
            CollectKeys(rows[at].Canonical, mapping.PersonalMembers, outline, subjects);
        }

        var known = subjects.Count == 0 ? NoKeys : await keys.For(subjects, create: false, ct);
        var events = new List<IEvent>(rows.Count);
        for (var at = 0; at < outlines.Length; at++)
            events.Add(Decode(rows[at], outlines[at].Mapping, outlines[at].Outline, known));
        return events;
    }

    /// <summary>Reads canonical bytes without mapping them to a type; see <see cref="CanonicalEvents"/>.</summary>
    public async Task<IReadOnlyList<CanonicalEvent>> Open(IReadOnlyList<ReadOnlyMemory<byte>> canonical, bool reveals, CancellationToken ct)
    {
        var parsed = new List<JsonDocument>(canonical.Count);
        var subjects = new HashSet<string>();
        try
        {
            foreach (var bytes in canonical)
            {
                var document = JsonDocument.Parse(bytes);
                parsed.Add(document);
                AddKey(document.RootElement.GetProperty("client"), subjects);
                CollectKeys(document.RootElement.GetProperty("data"), PersonalMembers(document.RootElement), subjects);
            }

            var known = subjects.Count == 0 || !reveals ? NoKeys : await keys.For(subjects, create: false, ct);
            return [.. parsed.Select((document, at) => Open(document.RootElement, canonical[at], known, reveals))];
        }
        finally
        {
            parsed.ForEach(document => document.Dispose());
        }
    }

    /// <summary>Who acted, from where and in which request, as the canonical bytes say.</summary>
    public static EventMetadata MetadataOf(
        ReadOnlyMemory<byte> canonical, Guid id, IReadOnlyDictionary<string, SubjectKey> known)
    {
        using var document = JsonDocument.Parse(canonical);
        return MetadataOf(document.RootElement, id, known);
    }

    private static EventMetadata MetadataOf(JsonElement canonical, Guid id, IReadOnlyDictionary<string, SubjectKey> known)
    {
        var client = Unseal(canonical.GetProperty("client"), EventWriter.Place(id, "client"), known) is { } plain
            ? JsonSerializer.Deserialize<ClientOrigin>(plain, StoreJson.Options)
            : null;
        return new EventMetadata
        {
            Actor = canonical.GetProperty("actor").GetString(),
            SessionId = canonical.GetProperty("session").GetString(),
            OrganizationId = canonical.GetProperty("organization").GetString(),
            CorrelationId = canonical.GetProperty("request").GetString(),
            CausationId = canonical.GetProperty("cause").GetString(),
            IpAddress = client?.Ip,
            UserAgent = client?.UserAgent,
        };
    }

    private CanonicalEvent Open(JsonElement canonical, ReadOnlyMemory<byte> bytes, IReadOnlyDictionary<string, SubjectKey> known, bool reveals)
    {
        var id = canonical.GetProperty("id").GetGuid();
        var metadata = MetadataOf(canonical, id, known);
        var personal = PersonalMembers(canonical);
        return new CanonicalEvent(
            id,
            canonical.GetProperty("time").GetDateTimeOffset(),
            canonical.GetProperty("module").GetString()!,
            canonical.GetProperty("type").GetString()!,
            canonical.GetProperty("outcome").GetString()!,
            canonical.GetProperty("reason").GetString(),
            metadata.Actor,
            canonical.GetProperty("subject").GetString(),
            metadata.SessionId,
            metadata.OrganizationId,
            metadata.CorrelationId,
            metadata.CausationId,
            canonical.GetProperty("stream").GetString()!,
            metadata.IpAddress,
            metadata.UserAgent,
            personal.Count == 0
                ? Outline.Of(bytes.Span).Data(bytes)
                : PlainData(canonical.GetProperty("data"), personal, id, known, reveals));
    }

    // A type that nobody registers any more has no personal members that could be told from others: they stay sealed.
    private IReadOnlySet<string> PersonalMembers(JsonElement canonical) =>
        registry.Event(canonical.GetProperty("module").GetString()!, canonical.GetProperty("type").GetString()!)?.PersonalMembers
        ?? NoMembers;

    private EventMapping Mapping(Row row) => registry.Event(row.Position.Module, row.Type)
        ?? throw new UnknownEventTypeException(row.Position.Module, row.Type, $"seq_id {row.Position.Sequence}");

    private static void CollectKeys(
        ReadOnlyMemory<byte> canonical, IReadOnlySet<string> personal, Outline outline, HashSet<string> subjects)
    {
        if (outline.ClientKey is not null)
            subjects.Add(outline.ClientKey);
        if (personal.Count == 0)
            return;
        using var document = JsonDocument.Parse(outline.Data(canonical));
        CollectKeys(document.RootElement, personal, subjects);
    }

    private static void CollectKeys(JsonElement data, IReadOnlySet<string> personal, HashSet<string> subjects)
    {
        foreach (var name in personal)
        {
            if (data.TryGetProperty(name, out var member))
                AddKey(member, subjects);
        }
    }

    private static void AddKey(JsonElement member, HashSet<string> subjects)
    {
        if (member.ValueKind == JsonValueKind.Object && member.TryGetProperty("key", out var key))
            subjects.Add(key.GetString()!);
    }

    private static StoredEvent Decode(
        Row row, EventMapping mapping, Outline outline, IReadOnlyDictionary<string, SubjectKey> known)
    {
        var stored = Plain(outline.Data(row.Canonical), mapping, row.Id, known);
        var data = mapping.Upcast is null ? stored : mapping.Upcast(stored);
        var e = mapping.Wrap(data, row.Id, row.StreamKey, row.Version, row.Timestamp, row.Position);
        e.Canonical = row.Canonical;
        e.Subject = outline.Subject;
        e.Keys = known;
        return e;
    }

    private static object Plain(
        ReadOnlyMemory<byte> data, EventMapping mapping, Guid id, IReadOnlyDictionary<string, SubjectKey> known) =>
        JsonSerializer.Deserialize(
            mapping.PersonalMembers.Count == 0 ? data.Span : PlainData(data, mapping.PersonalMembers, id, known),
            mapping.StoredAs, StoreJson.Options)!;

    private static byte[] PlainData(
        ReadOnlyMemory<byte> data, IReadOnlySet<string> personal, Guid id, IReadOnlyDictionary<string, SubjectKey> known)
    {
        using var document = JsonDocument.Parse(data);
        return PlainData(document.RootElement, personal, id, known, reveals: true);
    }

    private static byte[] PlainData(
        JsonElement data, IReadOnlySet<string> personal, Guid id, IReadOnlyDictionary<string, SubjectKey> known, bool reveals)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, EventWriter.Compact))
        {
            json.WriteStartObject();
            foreach (var member in data.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                // In clear it was stored before the member was known to be personal.
                if (!personal.Contains(member.Name) || (reveals && !IsSealed(member.Value)))
                    member.Value.WriteTo(json);
                else if (Unseal(member.Value, EventWriter.Place(id, member.Name), known) is { } plain)
                    json.WriteRawValue(plain);
                else
                    json.WriteNullValue();
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static byte[]? Unseal(JsonElement value, byte[] place, IReadOnlyDictionary<string, SubjectKey> known) =>
        IsSealed(value)
        && known.TryGetValue(value.GetProperty("key").GetString()!, out var key)
        && key.Secret is { } secret
            ? SealedBytes.Open(secret, value.GetProperty("enc").GetBytesFromBase64(), place)
            : null;

    private static bool IsSealed(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("key", out _) && value.TryGetProperty("enc", out _);

    /// <summary>What reading an event needs of its canonical bytes, found in one pass without a tree.</summary>
    private readonly record struct Outline(string? Subject, string? ClientKey, int DataStart)
    {
        public static Outline Of(ReadOnlySpan<byte> canonical)
        {
            string? subject = null;
            string? clientKey = null;
            var reader = new Utf8JsonReader(canonical);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("data"u8))
                {
                    reader.Read();
                    return new Outline(subject, clientKey, (int)reader.TokenStartIndex);
                }

                if (reader.ValueTextEquals("subject"u8))
                {
                    reader.Read();
                    subject = reader.GetString();
                }
                else if (reader.ValueTextEquals("client"u8))
                {
                    reader.Read();
                    clientKey = KeyOf(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }

            throw new JsonException("Canonical bytes without data.");
        }

        /// <summary>The data is the last member, so it ends where the object does.</summary>
        public ReadOnlyMemory<byte> Data(ReadOnlyMemory<byte> canonical) => canonical[DataStart..^1];

        private static string? KeyOf(ref Utf8JsonReader reader)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
                return null;
            string? key = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isKey = reader.ValueTextEquals("key"u8);
                reader.Read();
                key = isKey ? reader.GetString() : key;
            }

            return key;
        }
    }
}
