using System.Text.Json;
using Modular.Store;
using Npgsql;

namespace Modular.Audit;

/// <summary>
/// What the log tells of itself. Read from the events' canonical bytes: a check of the log compares those with the entries, and
/// an event stays when its entry is dropped.
/// </summary>
internal sealed class OwnEvents(StoreDatabase database)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Those of a type in a stream, in order. None that only the future could have written: it would never become an entry.</summary>
    public async Task<IReadOnlyList<(FeedPosition Feed, T Data)>> Read<T>(string stream, string type, CancellationToken ct)
        where T : class
    {
        await using var command = database.Pooled.CreateCommand("""
            select epoch, xact, seq_id, canonical from audit.mt_events
            where stream_id = $1 and (epoch, xact) < ($2, pg_snapshot_xmax(pg_current_snapshot())) order by epoch, xact, seq_id
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = database.Epoch });
        var events = new List<(FeedPosition, T)>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            if (Data<T>(row.GetFieldValue<byte[]>(3), type) is { } data)
                events.Add((new FeedPosition(row.GetInt32(0), row.GetFieldValue<ulong>(1), "audit", row.GetInt64(2)), data));
        }

        return events;
    }

    // What somebody has spoilt tells nothing.
    private static T? Data<T>(byte[] canonical, string type)
        where T : class
    {
        try
        {
            using var read = JsonDocument.Parse(canonical);
            return read.RootElement.GetProperty("type").GetString() == type ? read.RootElement.GetProperty("data").Deserialize<T>(Json) : null;
        }
        catch (Exception spoilt) when (spoilt is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }
}
