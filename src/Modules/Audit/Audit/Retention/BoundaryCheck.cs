using Modular.Store;
using Npgsql;

namespace Modular.Audit;

/// <summary>
/// Whether the log begins where it says for the reason that it says: whoever could move its beginning would have all before it
/// taken for dropped, and unchecked.
/// </summary>
internal sealed class BoundaryCheck(StoreDatabase database, LogTree tree, OwnEvents own)
{
    /// <summary>Null: nothing was dropped, or what retention leaves is all there.</summary>
    public async Task<Wrong?> Run(LogBoundary boundary, CancellationToken ct)
    {
        if (boundary == LogBoundary.None)
            return null;
        var (first, isAligned) = await Place(boundary.Position, ct);
        // Dropped with their partition in the boundary's own transaction: none is ever left.
        if (first is { } left)
            return new Wrong(left, "boundary");
        return isAligned && boundary.Position % Tile.Width == 0 && await IsTold(boundary, ct) ? null : new Wrong(Math.Max(boundary.Position, 0), "boundary");
    }

    private async Task<(long? First, bool IsAligned)> Place(long position, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            select (select min(position) from audit.entries where position < $1),
                $1 > 0 and ($1 & ((1::bigint << audit.partition_bits()) - 1)) = 0
            """);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (await row.IsDBNullAsync(0, ct) ? null : row.GetInt64(0), row.GetBoolean(1));
    }

    // The tiles stay, and the event tells the root: it comes behind what was dropped, so it is compared with its own entry.
    private async Task<bool> IsTold(LogBoundary boundary, CancellationToken ct)
    {
        if (await tree.Edge(boundary.Position, ct) is not { } edge || edge.Count != boundary.Edge.Count
            || !edge.Zip(boundary.Edge).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)))
            return false;
        var root = Convert.ToHexStringLower(new MerkleTree(boundary.Position, edge).Root());
        return (await own.Read<LogShortened>(ShortenLog.Stream, ShortenLog.EventName, ct))
            .Any(told => told.Feed > boundary.Feed && told.Data.End == boundary.Position && told.Data.Root == root);
    }
}
