using Modular.Store;
using Npgsql;

namespace Modular.Audit;

/// <summary>What a walk over the log itself found, without looking at the modules' events.</summary>
/// <param name="Roots">The roots that the tree had at the sizes that were asked for.</param>
internal sealed record ScannedLog(long End, byte[] Root, IReadOnlyDictionary<long, byte[]> Roots, Wrong? Wrong);

/// <summary>Walks over the whole log, part by part and several at a time, and over the tiles of it.</summary>
internal sealed class LogScan(StoreDatabase database, EntryScan scan, LogTree tree)
{
    /// <param name="first">Where the log begins: 0, or behind what has been dropped, a whole number of tiles.</param>
    /// <param name="end">Where it ended, and how many tiles there were then.</param>
    /// <param name="sizes">Sizes whose roots are wanted, in order.</param>
    /// <param name="progress">Told how far it is.</param>
    public async Task<ScannedLog> Run(long first, LogEnd end, IReadOnlyList<long> sizes, Action<long> progress, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var parts = new Queue<Task<ScannedPart>>();
        // What was dropped leaves its tiles, which the part that the log begins in counts by their roots.
        var next = first - (first % EntryScan.PartEntries);
        var walk = new Walk(await Start(next, ct), database);
        try
        {
            while (next < end.Entries || parts.Count > 0)
            {
                for (; next < end.Entries && parts.Count < Math.Clamp(Environment.ProcessorCount, 2, 8); next += EntryScan.PartEntries)
                {
                    var (start, stopAt) = (next, Math.Min(end.Entries, next + EntryScan.PartEntries));
                    var within = sizes.Where(size => size >= Math.Max(first, start) && size <= stopAt && size < start + EntryScan.PartEntries).ToList();
                    parts.Enqueue(Task.Run(() => scan.Part(start, Math.Max(first, start), stopAt, within, stop.Token), stop.Token));
                }

                var part = await parts.Dequeue();
                await walk.Add(part, ct);
                progress(part.End);
                if (walk.Wrong is not null)
                    break;
            }
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var rest in parts)
                await rest.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        var scanned = walk.Done(end, sizes);
        // Of sizes before the beginning the tiles tell; a forger of them would have to make every later root fit too.
        var roots = new Dictionary<long, byte[]>(scanned.Roots);
        foreach (var size in sizes.TakeWhile(size => size < first))
        {
            if (await tree.Root(size, ct) is { } root)
                roots[size] = root;
        }

        return scanned with { Roots = roots };
    }

    private async Task<MerkleTree> Start(long first, CancellationToken ct) => first == 0
        ? new MerkleTree()
        : new MerkleTree(first / EntryScan.PartEntries, await tree.Edge(first, ct) ?? throw new InvalidOperationException($"The tiles below position {first} are not all there."));

    /// <summary>The tree over parts, and the tiles above level 0.</summary>
    private sealed class Walk(MerkleTree parts, StoreDatabase database)
    {
        private readonly Dictionary<long, byte[]> _roots = [];
        private readonly List<List<byte[]>> _levels = [];
        private long _end = parts.Size * EntryScan.PartEntries;
        private IReadOnlyList<byte[]> _rest = [];

        public Wrong? Wrong { get; private set; }

        public async Task Add(ScannedPart part, CancellationToken ct)
        {
            foreach (var (size, edge) in part.Edges)
                _roots[size] = new MerkleTree(size, [.. parts.RightEdge, .. edge]).Root();
            Wrong = part.Wrong;
            _end = part.End;
            if (part.End - part.Start == EntryScan.PartEntries)
            {
                var tiles = new MerkleTree();
                foreach (var root in part.Tiles)
                    tiles.Append(root);
                await Compare(1, part.Start / EntryScan.PartEntries, part.Tiles, ct);
                await Push(2, part.Start / EntryScan.PartEntries, tiles.Root(), ct);
                parts.Append(tiles.Root());
                return;
            }

            var (upper, lower) = (new MerkleTree(), new MerkleTree());
            foreach (var root in part.Tiles)
                upper.Append(root);
            foreach (var leaf in part.Rest)
                lower.Append(leaf);
            _rest = [.. upper.RightEdge, .. lower.RightEdge];
        }

        public ScannedLog Done(LogEnd end, IReadOnlyList<long> sizes)
        {
            var root = new MerkleTree(_end, [.. parts.RightEdge, .. _rest]).Root();
            if (Wrong is null && sizes.Contains(end.Entries))
                _roots[end.Entries] = root;
            // Tiles of a longer log: it has been cut off.
            if (Wrong is null && end.Tiles > end.Entries >> Tile.Height)
                Wrong = new Wrong(end.Entries, "entry_missing");
            return new ScannedLog(_end, root, _roots, Wrong);
        }

        // The root of a full tile is a hash of the level above, until one of that level is full too.
        private async Task Push(int level, long index, byte[] root, CancellationToken ct)
        {
            while (_levels.Count <= level)
                _levels.Add([]);
            _levels[level].Add(root);
            if ((index + 1) % Tile.Width != 0)
                return;
            // After a log whose beginning was dropped the first tile of a level is not known whole.
            if (_levels[level].Count == Tile.Width)
            {
                await Compare(level, index / Tile.Width, _levels[level], ct);
                await Push(level + 1, index / Tile.Width, Tile.Of(new TileId(level, index / Tile.Width), _levels[level]).Root, ct);
            }

            _levels[level].Clear();
        }

        private async Task Compare(int level, long number, IReadOnlyList<byte[]> hashes, CancellationToken ct)
        {
            if (Wrong is not null)
                return;
            await using var command = database.Pooled.CreateCommand("select hashes, root from audit.tiles where level = $1 and number = $2");
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)level });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = number });
            var due = Tile.Of(new TileId(level, number), hashes);
            await using var row = await command.ExecuteReaderAsync(ct);
            var position = number << (Tile.Height * (level + 1));
            if (!await row.ReadAsync(ct))
                Wrong = new Wrong(position, "tile_missing");
            else if (!due.Hashes.AsSpan().SequenceEqual(row.GetFieldValue<byte[]>(0)) || !due.Root.AsSpan().SequenceEqual(row.GetFieldValue<byte[]>(1)))
                Wrong = new Wrong(position, "tile");
        }
    }
}
