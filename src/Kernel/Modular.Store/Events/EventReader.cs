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
        var parsed = new List<JsonDocument>(rows.Count);
        var subjects = new HashSet<string>();
        try
        {
            foreach (var row in rows)
            {
                var document = JsonDocument.Parse(row.Canonical);
                parsed.Add(document);
                CollectKeys(document.RootElement, Mapping(row).PersonalMembers, subjects);
            }

            var known = subjects.Count == 0
                ? new Dictionary<string, SubjectKey>()
                : await keys.For(subjects, create: false, ct);
            var events = new List<IEvent>(rows.Count);
            for (var at = 0; at < rows.Count; at++)
                events.Add(Decode(rows[at], parsed[at].RootElement, known));
            return events;
        }
        finally
        {
            parsed.ForEach(document => document.Dispose());
        }
    }

    /// <summary>Reads canonical bytes without mapping them to a type; see <see cref="CanonicalEvents"/>.</summary>
    public async Task<IReadOnlyList<CanonicalEvent>> Open(IReadOnlyList<ReadOnlyMemory<byte>> canonical, CancellationToken ct)
    {
        var parsed = new List<JsonDocument>(canonical.Count);
        var subjects = new HashSet<string>();
        try
        {
            foreach (var bytes in canonical)
            {
                var document = JsonDocument.Parse(bytes);
                parsed.Add(document);
                CollectKeys(document.RootElement, PersonalMembers(document.RootElement), subjects);
            }

            var known = subjects.Count == 0
                ? new Dictionary<string, SubjectKey>()
                : await keys.For(subjects, create: false, ct);
            return [.. parsed.Select(document => Open(document.RootElement, known))];
        }
        finally
        {
            parsed.ForEach(document => document.Dispose());
        }
    }

    private CanonicalEvent Open(JsonElement canonical, IReadOnlyDictionary<string, SubjectKey> known)
    {
        var metadata = MetadataOf(canonical, canonical.GetProperty("id").GetGuid(), known);
        return new CanonicalEvent(
            canonical.GetProperty("id").GetGuid(),
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
            PlainData(canonical.GetProperty("data"), PersonalMembers(canonical), canonical.GetProperty("id").GetGuid(), known));
    }

    // A type that nobody registers any more has no personal members that could be told from others: they stay sealed.
    private IReadOnlySet<string> PersonalMembers(JsonElement canonical) =>
        registry.Event(canonical.GetProperty("module").GetString()!, canonical.GetProperty("type").GetString()!)?.PersonalMembers
        ?? NoMembers;

    private EventMapping Mapping(Row row) => registry.Event(row.Position.Module, row.Type)
        ?? throw new UnknownEventTypeException(row.Position.Module, row.Type, $"seq_id {row.Position.Sequence}");

    private static void CollectKeys(JsonElement canonical, IReadOnlySet<string> personal, HashSet<string> subjects)
    {
        AddKey(canonical.GetProperty("client"), subjects);
        if (personal.Count == 0)
            return;
        var data = canonical.GetProperty("data");
        foreach (var name in personal)
        {
            if (data.TryGetProperty(name, out var member))
                AddKey(member, subjects);
        }
    }

    private static void AddKey(JsonElement value, HashSet<string> subjects)
    {
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("key", out var key))
            subjects.Add(key.GetString()!);
    }

    private StoredEvent Decode(Row row, JsonElement canonical, IReadOnlyDictionary<string, SubjectKey> known)
    {
        var mapping = Mapping(row);
        var stored = Plain(canonical.GetProperty("data"), mapping, row.Id, known);
        var data = mapping.Upcast is null ? stored : mapping.Upcast(stored);
        var e = StoredEvent.Of(data, mapping, row.Id, row.StreamKey, row.Version, row.Timestamp, row.Position);
        e.Canonical = row.Canonical;
        e.Subject = canonical.GetProperty("subject").GetString();
        e.Metadata = MetadataOf(canonical, row.Id, known);
        return e;
    }

    private static object Plain(
        JsonElement data, EventMapping mapping, Guid id, IReadOnlyDictionary<string, SubjectKey> known) =>
        mapping.PersonalMembers.Count == 0
            ? data.Deserialize(mapping.StoredAs, StoreJson.Options)!
            : JsonSerializer.Deserialize(PlainData(data, mapping.PersonalMembers, id, known), mapping.StoredAs, StoreJson.Options)!;

    private static byte[] PlainData(
        JsonElement data, IReadOnlySet<string> personal, Guid id, IReadOnlyDictionary<string, SubjectKey> known)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, EventWriter.Compact))
        {
            json.WriteStartObject();
            foreach (var member in data.EnumerateObject())
            {
                json.WritePropertyName(member.Name);
                if (!personal.Contains(member.Name))
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

    private static EventMetadata MetadataOf(
        JsonElement canonical, Guid id, IReadOnlyDictionary<string, SubjectKey> known)
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

    private static byte[]? Unseal(JsonElement value, byte[] place, IReadOnlyDictionary<string, SubjectKey> known) =>
        value.ValueKind == JsonValueKind.Object
        && known.TryGetValue(value.GetProperty("key").GetString()!, out var key)
        && key.Secret is { } secret
            ? SubjectKeys.Open(secret, value.GetProperty("enc").GetBytesFromBase64(), place)
            : null;
}
