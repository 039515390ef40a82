using Modular.Store;
using Npgsql;

namespace Modular.Audit;

/// <summary>A row of the log as it is stored.</summary>
internal sealed record LogRow(long Position, FeedPosition Feed, Guid EventId, byte[] Canonical, byte[] Leaf);

/// <summary>The same without its canonical bytes.</summary>
internal sealed record SealedRow(long Position, FeedPosition Feed, Guid EventId, byte[] Leaf);

/// <summary>How far the log is, seen at one moment.</summary>
/// <param name="Entries">The position that the next entry gets.</param>
/// <param name="Tiles">How many full tiles are stored over entries, up to the last of them.</param>
/// <param name="Progress">The last event that is in it.</param>
internal sealed record LogEnd(long Entries, long Tiles, FeedPosition Progress);

/// <summary>Reads the log as it is stored, for those who check it.</summary>
internal sealed class LogRows(StoreDatabase database)
{
    /// <summary>All of it from one statement, so it belongs together while entries are added.</summary>
    public async Task<LogEnd> End(CancellationToken ct)
    {
        await using var command = database.Direct.CreateCommand("""
            select coalesce((select max(position) + 1 from audit.entries), 0),
                coalesce((select max(number) + 1 from audit.tiles where level = 0), 0), p.epoch, p.xact, p.module, p.seq_id
            from (select 1) one left join audit.mt_event_progression p on p.name = $1
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = SealEntries.Name });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return new LogEnd(row.GetInt64(0), row.GetInt64(1), await row.IsDBNullAsync(2, ct)
            ? FeedPosition.Start
            : new FeedPosition(row.GetInt32(2), row.GetFieldValue<ulong>(3), row.GetString(4), row.GetInt64(5)));
    }

    public async Task<List<SealedRow>> Sealed(long first, long end, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            select position, epoch, xact, module, sequence, event_id, leaf from audit.entries
            where position >= $1 and position < $2 order by position
            """);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
        var rows = new List<SealedRow>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            rows.Add(new SealedRow(
                row.GetInt64(0),
                new FeedPosition(row.GetInt32(1), row.GetFieldValue<ulong>(2), row.GetString(3), row.GetInt64(4)),
                row.GetGuid(5), row.GetFieldValue<byte[]>(6)));
        }

        return rows;
    }

    public Task<List<byte[]>> Leaves(long first, long end, CancellationToken ct) => Column("leaf", first, end, ct);

    public Task<List<byte[]>> Canonical(long first, long end, CancellationToken ct) => Column("canonical", first, end, ct);

    private async Task<List<byte[]>> Column(string column, long first, long end, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            $"select {column} from audit.entries where position >= $1 and position < $2 order by position");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
        var values = new List<byte[]>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
            values.Add(row.GetFieldValue<byte[]>(0));
        return values;
    }
}
