namespace Modular.Audit;

/// <summary>Which tile: hashes of the tree at the height <c>8 · level</c>, 256 of them side by side (C2SP tlog-tiles).</summary>
internal readonly record struct TileId(int Level, long Number)
{
    /// <summary>How many hashes of its level a tree has in it: 0 to 256.</summary>
    public int WidthIn(long size) => (int)Math.Clamp((Level >= 8 ? 0 : size >> (Tile.Height * Level)) - (Number << Tile.Height), 0, Tile.Width);
}

/// <summary>A full tile. Its root is one hash of the level above.</summary>
/// <param name="Hashes">256 hashes, one after the other.</param>
internal sealed record Tile(TileId Id, byte[] Hashes, byte[] Root)
{
    public const int Height = 8;
    public const int Width = 1 << Height;
    public const int Bytes = Width * MerkleTree.HashBytes;

    public static Tile Of(TileId id, IReadOnlyList<byte[]> hashes)
    {
        var bytes = new byte[Bytes];
        for (var at = 0; at < Width; at++)
            hashes[at].CopyTo(bytes, at * MerkleTree.HashBytes);
        return new Tile(id, bytes, RootOf(bytes));
    }

    /// <summary>The hash over a number of hashes that is a power of two.</summary>
    public static byte[] RootOf(ReadOnlySpan<byte> hashes)
    {
        if (hashes.Length == MerkleTree.HashBytes)
            return hashes.ToArray();
        var half = hashes.Length / 2;
        return MerkleTree.NodeHash(RootOf(hashes[..half]), RootOf(hashes[half..]));
    }
}

/// <summary>
/// The right edge of the tree, by tiles: of each level the hashes that do not fill one yet. Grows without reading
/// anything, and never changes what it was, so a page that is not committed leaves nothing behind.
/// </summary>
internal sealed class TileEdge(long size, IReadOnlyList<IReadOnlyList<byte[]>> levels)
{
    public long Size => size;

    /// <summary>The edge with more leaves, and the tiles they filled.</summary>
    public (TileEdge Edge, IReadOnlyList<Tile> Full) Grow(IReadOnlyCollection<byte[]> leaves)
    {
        var grown = levels.Select(level => level.ToList()).ToList();
        var full = new List<Tile>();
        var end = size;
        foreach (var leaf in leaves)
        {
            end++;
            byte[]? hash = leaf;
            for (var level = 0; hash is not null; level++)
            {
                if (level == grown.Count)
                    grown.Add([]);
                grown[level].Add(hash);
                hash = null;
                if (grown[level].Count == Tile.Width)
                {
                    var tile = Tile.Of(new TileId(level, (end >> (Tile.Height * (level + 1))) - 1), grown[level]);
                    full.Add(tile);
                    grown[level] = [];
                    hash = tile.Root;
                }
            }
        }

        return (new TileEdge(end, grown), full);
    }
}
