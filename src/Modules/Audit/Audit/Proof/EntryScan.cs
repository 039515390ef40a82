using System.Buffers.Binary;
using System.Security.Cryptography;
using Modular.Store;

namespace Modular.Audit;

/// <summary>The first thing that is wrong, and with which position.</summary>
internal sealed record Wrong(long Position, string Problem);

/// <summary>What was found in one part of the log.</summary>
/// <param name="Tiles">The roots of its full tiles.</param>
/// <param name="Rest">The leaves behind them.</param>
/// <param name="Edges">The right edges that the part had at the sizes that were asked for.</param>
internal sealed record ScannedPart(
    long Start, long End, IReadOnlyList<byte[]> Tiles, IReadOnlyList<byte[]> Rest, IReadOnlyDictionary<long, IReadOnlyList<byte[]>> Edges, Wrong? Wrong);

/// <summary>
/// Reads a part of the log as fast as PostgreSQL gives it, binary and uninterpreted, and makes every hash of it again.
/// </summary>
internal sealed class EntryScan(StoreDatabase database)
{
    /// <summary>A full tile of level 1: parts can be scanned side by side, and each is one hash of the tree.</summary>
    public const int PartEntries = Tile.Width * Tile.Width;

    /// <param name="start">A multiple of <see cref="PartEntries"/>.</param>
    /// <param name="first">Where its entries begin: after what was dropped, a whole number of tiles, whose roots are still there.</param>
    /// <param name="end">The part's own end, or the log's.</param>
    /// <param name="sizes">Sizes of the tree within the part whose edges are wanted, in order.</param>
    public async Task<ScannedPart> Part(long start, long first, long end, IReadOnlyList<long> sizes, CancellationToken ct)
    {
        await using var connection = await database.Direct.OpenConnectionAsync(ct);
        var stored = await Tiles(connection, start, end, ct);
        var part = new PartTree(start, stored, sizes);
        for (var dropped = start; dropped < first; dropped += Tile.Width)
            part.Skip();
        await using var rows = await connection.BeginRawBinaryCopyAsync(FormattableString.Invariant(
            $"copy (select position, canonical, leaf from audit.entries where position >= {first} and position < {end} order by position) to stdout (format binary)"), ct);
        var reader = new CopyReader(rows);
        await reader.Start(ct);
        while (part.Wrong is null && await reader.Next(ct))
            part.Add(reader);
        if (part.Wrong is not null)
            await rows.CancelAsync();
        return part.Done(end);
    }

    private static async Task<Dictionary<long, (byte[] Hashes, byte[] Root)>> Tiles(Npgsql.NpgsqlConnection connection, long start, long end, CancellationToken ct)
    {
        await using var command = new Npgsql.NpgsqlCommand("select number, hashes, root from audit.tiles where level = 0 and number >= $1 and number < $2", connection);
        command.Parameters.Add(new Npgsql.NpgsqlParameter<long> { TypedValue = start >> Tile.Height });
        command.Parameters.Add(new Npgsql.NpgsqlParameter<long> { TypedValue = end >> Tile.Height });
        var tiles = new Dictionary<long, (byte[], byte[])>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
            tiles[row.GetInt64(0)] = (row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2));
        return tiles;
    }

    /// <summary>The tree of the part, tile by tile, compared with the tiles that are stored.</summary>
    private sealed class PartTree(long start, Dictionary<long, (byte[] Hashes, byte[] Root)> stored, IReadOnlyList<long> sizes)
    {
        private readonly MerkleTree _tiles = new();
        private readonly List<byte[]> _roots = [];
        private readonly Dictionary<long, IReadOnlyList<byte[]>> _edges = [];
        private readonly List<byte[]> _leaves = new(Tile.Width);
        private MerkleTree _tile = new();
        private readonly long _start = start;
        private long _next = start;
        private int _size;

        public Wrong? Wrong { get; private set; }

        /// <summary>A tile whose entries were dropped counts by its root.</summary>
        public void Skip()
        {
            if (stored.TryGetValue(_next >> Tile.Height, out var tile))
            {
                _roots.Add(tile.Root);
                _tiles.Append(tile.Root);
                _next += Tile.Width;
            }
            else
            {
                Wrong ??= new Wrong(_next, "tile_missing");
            }
        }

        public void Add(CopyReader row)
        {
            TakeEdge();
            if (row.Position != _next)
            {
                Wrong = new Wrong(_next, "entry_missing");
                return;
            }

            var leaf = row.LeafHash();
            if (!row.Leaf.SequenceEqual(leaf))
            {
                Wrong = new Wrong(_next, "leaf_hash");
                return;
            }

            _leaves.Add(leaf);
            _tile.Append(leaf);
            _next++;
            if (_leaves.Count == Tile.Width)
                Close();
        }

        public ScannedPart Done(long end)
        {
            if (Wrong is null && _next < end)
                Wrong = new Wrong(_next, "entry_missing");
            if (Wrong is null)
                TakeEdge();
            return new ScannedPart(_start, _next, _roots, _leaves, _edges, Wrong);
        }

        private void TakeEdge()
        {
            for (; _size < sizes.Count && sizes[_size] <= _next; _size++)
                _edges[sizes[_size]] = [.. _tiles.RightEdge, .. _tile.RightEdge];
        }

        private void Close()
        {
            var root = _tile.Root();
            var number = (_next >> Tile.Height) - 1;
            if (!stored.TryGetValue(number, out var tile))
            {
                Wrong = new Wrong(number << Tile.Height, "tile_missing");
            }
            else
            {
                for (var at = 0; at < Tile.Width && Wrong is null; at++)
                {
                    if (!tile.Hashes.AsSpan(at * MerkleTree.HashBytes, MerkleTree.HashBytes).SequenceEqual(_leaves[at]))
                        Wrong = new Wrong((number << Tile.Height) + at, "tile");
                }

                if (Wrong is null && !tile.Root.AsSpan().SequenceEqual(root))
                    Wrong = new Wrong(number << Tile.Height, "tile");
            }

            _roots.Add(root);
            _tiles.Append(root);
            _leaves.Clear();
            _tile = new MerkleTree();
        }
    }
}

/// <summary>Rows of position, canonical bytes and leaf hash, in COPY's binary format.</summary>
internal sealed class CopyReader(Stream source)
{
    private const int HeaderBytes = 19;
    private const int FixedBytes = 2 + 4 + 8 + 4;

    private byte[] _buffer = new byte[256 * 1024];
    private int _at;
    private int _filled;
    private int _canonical;
    private int _canonicalBytes;
    private int _leaf;
    private int _leafBytes;

    public long Position { get; private set; }

    public ReadOnlySpan<byte> Leaf => _buffer.AsSpan(_leaf, _leafBytes);

    /// <summary>RFC 6962's hash of the canonical bytes.</summary>
    public byte[] LeafHash()
    {
        // The byte before them is the last one of their length, which has been read: no copy to put a zero in front.
        _buffer[_canonical - 1] = 0;
        return SHA256.HashData(_buffer.AsSpan(_canonical - 1, 1 + _canonicalBytes));
    }

    public async Task Start(CancellationToken ct)
    {
        await Need(HeaderBytes, ct);
        _at += HeaderBytes;
    }

    public async ValueTask<bool> Next(CancellationToken ct)
    {
        if (!Has(2))
            await Need(2, ct);
        if (BinaryPrimitives.ReadInt16BigEndian(_buffer.AsSpan(_at)) < 0)
            return false;
        if (!Has(FixedBytes))
            await Need(FixedBytes, ct);
        _canonicalBytes = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_at + FixedBytes - 4));
        if (!Has(FixedBytes + _canonicalBytes + 4))
            await Need(FixedBytes + _canonicalBytes + 4, ct);
        _leafBytes = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_at + FixedBytes + _canonicalBytes));
        if (!Has(FixedBytes + _canonicalBytes + 4 + _leafBytes))
            await Need(FixedBytes + _canonicalBytes + 4 + _leafBytes, ct);
        Position = BinaryPrimitives.ReadInt64BigEndian(_buffer.AsSpan(_at + 6));
        _canonical = _at + FixedBytes;
        _leaf = _canonical + _canonicalBytes + 4;
        _at = _leaf + _leafBytes;
        return true;
    }

    private bool Has(int bytes) => _filled - _at >= bytes;

    private async Task Need(int bytes, CancellationToken ct)
    {
        _buffer.AsSpan(_at, _filled - _at).CopyTo(_buffer);
        (_filled, _at) = (_filled - _at, 0);
        if (bytes > _buffer.Length)
            Array.Resize(ref _buffer, bytes * 2);
        while (_filled < bytes)
        {
            var read = await source.ReadAsync(_buffer.AsMemory(_filled), ct);
            if (read == 0)
                throw new InvalidDataException("PostgreSQL ended the rows of the log in the middle of one.");
            _filled += read;
        }
    }
}
