using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// Reads the tree of the log: a few tiles for whatever is asked, however long the log is. Works as well where entries have
/// been dropped with their partition, because their tiles stay.
/// </summary>
internal sealed class LogTree(StoreDatabase database)
{
    /// <summary>The first hashes of a tile; null where the log has not so many.</summary>
    public async Task<byte[]?> Hashes(TileId id, int width, CancellationToken ct)
    {
        await using (var command = database.Pooled.CreateCommand(
            "select substr(hashes, 1, $3) from audit.tiles where level = $1 and number = $2"))
        {
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)id.Level });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id.Number });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = width * MerkleTree.HashBytes });
            if (await command.ExecuteScalarAsync(ct) is byte[] full)
                return full;
        }

        var parts = await Below(id.Level, id.Number << Tile.Height, (id.Number << Tile.Height) + width, ct);
        return parts.Count == width ? [.. parts.SelectMany(hash => hash)] : null;
    }

    /// <summary>Hashes of a level that no full tile holds yet: leaves, or roots of the tiles below. Fewer where there are no more.</summary>
    public async Task<IReadOnlyList<byte[]>> Below(int level, long first, long end, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(level == 0
            ? "select position, leaf from audit.entries where position >= $1 and position < $2 order by position"
            : "select number, root from audit.tiles where level = $3 and number >= $1 and number < $2 order by number");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
        if (level > 0)
            command.Parameters.Add(new NpgsqlParameter { Value = (short)(level - 1), NpgsqlDbType = NpgsqlDbType.Smallint });
        var hashes = new List<byte[]>();
        await using var row = await command.ExecuteReaderAsync(ct);
        // Up to the first gap: a hash in another's place would be worse than none.
        while (await row.ReadAsync(ct) && row.GetInt64(0) == first + hashes.Count)
            hashes.Add(row.GetFieldValue<byte[]>(1));
        return hashes;
    }

    public async Task<byte[]?> Leaf(long position, CancellationToken ct) =>
        await Over([new LeafRange(position, position + 1)], ct) is [var leaf] ? leaf : null;

    /// <summary>The root that the tree had at a size; null where the log is shorter, or has a hole there.</summary>
    public async Task<byte[]?> Root(long size, CancellationToken ct) =>
        await Edge(size, ct) is { } edge ? new MerkleTree(size, edge).Root() : null;

    /// <summary>The roots of the complete subtrees of the first leaves, largest first.</summary>
    public async Task<IReadOnlyList<byte[]>?> Edge(long size, CancellationToken ct) =>
        await Over(MerkleRanges.Complete(new LeafRange(0, size)), ct);

    public Task<IReadOnlyList<byte[]>?> Inclusion(long position, long size, CancellationToken ct) =>
        Over(MerkleRanges.Inclusion(position, size), ct);

    public Task<IReadOnlyList<byte[]>?> Consistency(long from, long to, CancellationToken ct) =>
        Over(MerkleRanges.Consistency(from, to), ct);

    private async Task<IReadOnlyList<byte[]>?> Over(IEnumerable<LeafRange> ranges, CancellationToken ct)
    {
        var (wanted, hashes, read) = (ranges.ToList(), new List<byte[]>(), new Dictionary<TileId, byte[]>());
        // The widest part of each tile is read once.
        var widths = wanted.SelectMany(MerkleRanges.Complete).Select(Place)
            .GroupBy(place => place.Tile, place => place.First + place.Count).ToDictionary(tile => tile.Key, tile => tile.Max());
        foreach (var (tile, width) in widths)
        {
            if (await Hashes(tile, width, ct) is not { } found)
                return null;
            read[tile] = found;
        }

        foreach (var range in wanted)
        {
            byte[]? root = null;
            foreach (var part in MerkleRanges.Complete(range).Reverse())
            {
                var (tile, first, count) = Place(part);
                var hash = Tile.RootOf(read[tile].AsSpan(first * MerkleTree.HashBytes, count * MerkleTree.HashBytes));
                root = root is null ? hash : MerkleTree.NodeHash(hash, root);
            }

            hashes.Add(root!);
        }

        return hashes;
    }

    // A complete subtree is so many hashes, side by side, of the level just below its height.
    private static (TileId Tile, int First, int Count) Place(LeafRange complete)
    {
        var height = System.Numerics.BitOperations.Log2((ulong)complete.Count);
        var level = height / Tile.Height;
        var index = complete.Start >> (Tile.Height * level);
        return (new TileId(level, index >> Tile.Height), (int)(index & (Tile.Width - 1)), 1 << (height % Tile.Height));
    }
}
