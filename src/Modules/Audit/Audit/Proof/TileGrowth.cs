using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// What the node that seals knows of the tree's right edge, so that a page reads nothing to add its tiles. Where it knows
/// nothing, or the log is not where it believes it is, it reads the edge, and first makes tiles that are missing: those
/// of entries from before there were any.
/// </summary>
internal sealed class TileGrowth(StoreDatabase database, LogTree tree)
{
    private const int ChunkTiles = 64;

    private TileEdge? _edge;

    /// <summary>The edge after the next leaves, and the tiles that they fill.</summary>
    public async Task<(TileEdge Edge, IReadOnlyList<Tile> Full)> After(long first, IReadOnlyCollection<byte[]> leaves, CancellationToken ct)
    {
        var edge = Volatile.Read(ref _edge);
        if (edge?.Size != first)
            edge = await Read(first, ct);
        return edge.Grow(leaves);
    }

    /// <summary>What grew is in the log.</summary>
    public void Committed(TileEdge edge) => Volatile.Write(ref _edge, edge);

    /// <summary>Makes the tiles of the first entries that are missing, where there are any.</summary>
    public async Task Complete(long size, CancellationToken ct)
    {
        for (var (level, count) = (0, size >> Tile.Height); count > 0; level++, count >>= Tile.Height)
            await MakeMissing(level, count, ct);
    }

    private async Task<TileEdge> Read(long size, CancellationToken ct)
    {
        var levels = new List<IReadOnlyList<byte[]>>();
        for (var (level, count) = (0, size); count > 0; level++, count >>= Tile.Height)
        {
            await MakeMissing(level, count >> Tile.Height, ct);
            var first = count - (count % Tile.Width);
            var hashes = await tree.Below(level, first, count, ct);
            if (hashes.Count != count - first)
                throw new LogContradictsItselfException($"The audit log has a hole before position {size}: its tree cannot grow. Run 'audit verify'.");
            levels.Add(hashes);
        }

        return new TileEdge(size, levels);
    }

    private async Task MakeMissing(int level, long end, CancellationToken ct)
    {
        for (var next = await Next(level, ct); next < end;)
        {
            var last = Math.Min(end, next + ChunkTiles);
            var hashes = await tree.Below(level, next << Tile.Height, last << Tile.Height, ct);
            if (hashes.Count != (last - next) << Tile.Height)
                throw new LogContradictsItselfException($"The audit log has a hole: tile {next} of level {level} cannot be made. Run 'audit verify'.");
            var made = new List<Tile>();
            for (; next < last; next++)
                made.Add(Tile.Of(new TileId(level, next), [.. hashes.Skip(made.Count * Tile.Width).Take(Tile.Width)]));
            await using var command = database.Pooled.CreateCommand();
            // Another node that makes them at the same time makes the same ones.
            command.CommandText = $"{TilesPage.Insert} on conflict do nothing";
            command.Parameters.Add(new NpgsqlParameter { Value = made.Select(tile => (short)tile.Id.Level).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint });
            command.Parameters.Add(new NpgsqlParameter { Value = made.Select(tile => tile.Id.Number).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
            command.Parameters.Add(new NpgsqlParameter { Value = made.Select(tile => tile.Hashes).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
            command.Parameters.Add(new NpgsqlParameter { Value = made.Select(tile => tile.Root).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
            await command.ExecuteNonQueryAsync(ct);
        }
    }

    private async Task<long> Next(int level, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select number + 1 from audit.tiles where level = $1 order by number desc limit 1");
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)level });
        return await command.ExecuteScalarAsync(ct) is long next ? next : 0;
    }
}

/// <summary>The tiles that a page of entries filled, in the page's own transaction.</summary>
internal sealed class TilesPage(IReadOnlyList<Tile> tiles) : IStorageOperation
{
    public const string Insert = """
        insert into audit.tiles (level, number, hashes, root) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[], $4::bytea[])
        """;

    public void Write(StoreBatch batch) => batch.Sql(Insert)
        .Column(tiles, tile => (short)tile.Id.Level, NpgsqlDbType.Smallint)
        .Column(tiles, tile => tile.Id.Number, NpgsqlDbType.Bigint)
        .Column(tiles, tile => tile.Hashes, NpgsqlDbType.Bytea)
        .Column(tiles, tile => tile.Root, NpgsqlDbType.Bytea);
}
