using Microsoft.AspNetCore.Http;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Audit;

/// <summary>Where the log begins: entries before were dropped with their partitions, what they prove stays.</summary>
/// <param name="Position">Of the first entry that is there; 0: nothing was dropped.</param>
/// <param name="Feed">The last event whose entry was dropped.</param>
/// <param name="Edge">The right edge of the tree over the entries before.</param>
internal sealed record LogBoundary(long Position, FeedPosition Feed, IReadOnlyList<byte[]> Edge)
{
    public static readonly LogBoundary None = new(0, FeedPosition.Start, []);

    /// <summary>The tree over what was dropped, to go on from.</summary>
    public MerkleTree Tree() => new(Position, Edge);
}

/// <summary>Reads <c>audit.boundaries</c>.</summary>
internal sealed class LogBoundaries(StoreDatabase database)
{
    public async Task<LogBoundary> Last(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            "select position, epoch, xact, module, sequence, edge from audit.boundaries order by position desc limit 1");
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new LogBoundary(
                row.GetInt64(0), new FeedPosition(row.GetInt32(1), row.GetFieldValue<ulong>(2), row.GetString(3), row.GetInt64(4)),
                row.GetFieldValue<byte[][]>(5))
            : LogBoundary.None;
    }

    /// <summary>Null: the entry is there, or is still to come; else that it was dropped, and where the log begins.</summary>
    public async Task<Refusal?> Refuse(long? position, CancellationToken ct) =>
        position is { } wanted && (await Last(ct)).Position is var first && first > 0 && wanted < first
            ? new Refusal(StatusCodes.Status410Gone, "entries_dropped", $"What is before position {first} was dropped by its age", new { first })
            : null;

    /// <summary>What would be the next one: behind the oldest partition, as soon as another is full; null: there is none.</summary>
    public async Task<(long Number, long End)?> Next(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            select number, (number + 1) << audit.partition_bits()
            from (select coalesce((select max(position) from audit.boundaries), 0) >> audit.partition_bits() as number) oldest
            where exists (select from audit.entries where position >= (number + 1) << audit.partition_bits())
            """);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? (row.GetInt64(0), row.GetInt64(1)) : null;
    }
}
