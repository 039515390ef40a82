using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Modular.Audit;

/// <summary>
/// Checks an exported file against its manifest and a checkpoint, with nothing but them: the file's digest, every leaf,
/// the root, the signatures.
/// </summary>
internal static class ExportCheck
{
    /// <param name="export">The file.</param>
    /// <param name="manifestText">Its manifest; null: it is the file's last line.</param>
    /// <param name="kept">Checkpoints that somebody kept.</param>
    /// <param name="trusted">Keys that are trusted; none: whatever key the manifest names, which proves nothing against a forger.</param>
    /// <param name="progress">Told positions.</param>
    public static async Task<CheckedExport> Run(
        Stream export, string? manifestText, IReadOnlyList<string> kept, IReadOnlyList<NoteKey> trusted, Action<long> progress, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var lines = new RawLines(export);
        var manifest = manifestText is null ? null : Manifest(manifestText);
        // The edge before the range stands in the manifest, which may come last: so leaves are kept, 32 bytes each.
        var leaves = new List<byte[]>();
        var (first, bytes) = (-1L, 0L);
        for (var line = await lines.Next(ct); line.Length > 0; line = await lines.Next(ct))
        {
            var due = Math.Max(first, 0) + leaves.Count;
            if (Row.Read(line, mayBeManifest: manifestText is null) is not { } row)
                return Wrong(due, "unreadable");
            if (row.Manifest is { } last)
            {
                manifest = Manifest(last);
                // Nobody signed what is behind it.
                if ((await lines.Next(ct)).Length > 0)
                    return Wrong(due, "after_manifest");
                break;
            }

            hash.AppendData(line.Span);
            bytes += line.Length;
            first = first < 0 ? row.Position : first;
            if (row.Position != first + leaves.Count)
                return Wrong(first + leaves.Count, "entry_missing");
            var leaf = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(row.Entry));
            if (Convert.ToBase64String(leaf) != row.Leaf)
                return Wrong(row.Position, "leaf_hash");
            leaves.Add(leaf);
            if (leaves.Count % 10_000 == 0)
                progress(row.Position);
        }

        if (manifest is not { Manifest: { Checkpoint: not null } claims } || SignedNote.Read(claims.Checkpoint) is not { } note || Checkpoint.Read(note.Text) is not { } checkpoint)
            return Wrong(Math.Max(first, 0), "manifest");
        try
        {
            return Compare(claims, manifest.Value.Note, note, checkpoint, leaves, Math.Max(first, claims.From), bytes, Convert.ToHexStringLower(hash.GetHashAndReset()), kept, trusted);
        }
        catch (Exception unreadable) when (unreadable is FormatException or ArgumentException)
        {
            // Hashes that are none, or as many as no tree of that size has.
            return Wrong(Math.Max(first, 0), "manifest");
        }
    }

    private static CheckedExport Compare(
        ExportManifest claims, SignedNote manifest, SignedNote note, Checkpoint checkpoint, List<byte[]> leaves, long first, long bytes, string digest,
        IReadOnlyList<string> kept, IReadOnlyList<NoteKey> trusted)
    {
        if (trusted.Count > 0 && !(manifest.IsSignedBy(trusted) && note.IsSignedBy(trusted)))
            return Wrong(first, "signature");
        if (claims.Edge is null || claims.Proof is null)
            return Wrong(first, "not_whole");
        if (first != claims.From)
            return Wrong(claims.From, "entry_missing");
        if (leaves.Count != claims.To - claims.From)
            return Wrong(Math.Min(claims.To, claims.From + leaves.Count), leaves.Count < claims.To - claims.From ? "entry_missing" : "entry_too_many");
        if (WrongTile(claims, leaves) is { } tile)
            return Wrong(tile << Tile.Height, "tile", (tile + 1) << Tile.Height);
        var tree = new MerkleTree(claims.From, claims.Edge.Select(Convert.FromBase64String));
        var checkpoints = kept.Append(claims.Checkpoint).Select(SignedNote.Read).ToList();
        var roots = new Dictionary<long, byte[]>();
        var sizes = checkpoints.Select(k => k is null ? null : Checkpoint.Read(k.Text)?.Size).ToHashSet();
        foreach (var leaf in leaves)
        {
            if (sizes.Contains(tree.Size))
                roots[tree.Size] = tree.Root();
            tree.Append(leaf);
        }

        roots[tree.Size] = tree.Root();
        var proof = claims.Proof.Select(Convert.FromBase64String).ToList();
        if (!MerkleProof.IsConsistent(claims.To, tree.Root(), checkpoint.Size, checkpoint.Root, proof) && !(claims.To == 0 && proof.Count == 0))
            return Wrong(claims.From, "root", claims.To);
        foreach (var outside in checkpoints.SkipLast(1))
        {
            if (outside is null || Checkpoint.Read(outside.Text) is not { } other || (trusted.Count > 0 && !outside.IsSignedBy(trusted)))
                return Wrong(claims.From, "checkpoint_signature");
            if (other.Origin != checkpoint.Origin)
                return Wrong(claims.From, "origin");
            var root = roots.GetValueOrDefault(other.Size) ?? (other.Size == checkpoint.Size ? checkpoint.Root : null);
            if (root is null)
                return Wrong(claims.From, "checkpoint_outside_range", other.Size);
            if (!other.HasRoot(root))
                return Wrong(claims.From, "fork", other.Size);
        }

        return bytes == claims.Bytes && digest == claims.Sha256
            ? new CheckedExport(claims.From, claims.To, null, null, null, checkpoint, trusted.Count > 0)
            : Wrong(claims.From, "digest", claims.To);
    }

    private static long? WrongTile(ExportManifest claims, List<byte[]> leaves)
    {
        var (first, end) = ExportManifest.TilesWithin(claims.From, claims.To);
        for (var number = first; number < end; number++)
        {
            var hashes = leaves.GetRange((int)((number << Tile.Height) - claims.From), Tile.Width);
            if (claims.Tiles?.ElementAtOrDefault((int)(number - first)) != Convert.ToBase64String(Tile.Of(new TileId(0, number), hashes).Root))
                return number;
        }

        return null;
    }

    private static (ExportManifest? Manifest, SignedNote Note)? Manifest(string text) =>
        SignedNote.Read(text) is { } note ? (ExportManifest.Read(note.Text), note) : null;

    /// <summary>A line: an entry, or the manifest.</summary>
    private sealed record Row(long Position, string Leaf, string Entry, string? Manifest)
    {
        /// <summary>Null for what is neither.</summary>
        public static Row? Read(ReadOnlyMemory<byte> line, bool mayBeManifest)
        {
            try
            {
                using var read = JsonDocument.Parse(line);
                var row = read.RootElement;
                if (mayBeManifest && row.TryGetProperty("manifest", out var manifest))
                    return manifest.GetString() is { } text ? new Row(0, "", "", text) : null;
                return row.GetProperty("position").GetInt64() is >= 0 and var position
                    && row.GetProperty("leaf").GetString() is { } leaf && row.GetProperty("entry").GetString() is { } entry
                    ? new Row(position, leaf, entry, null)
                    : null;
            }
            catch (Exception unreadable) when (unreadable is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
            {
                return null;
            }
        }
    }

    private static CheckedExport Wrong(long position, string problem, long? before = null) => new(0, 0, position, problem, before, null, false);
}

/// <summary>What a check of an exported file found.</summary>
internal sealed record CheckedExport(long From, long To, long? FirstWrong, string? Problem, long? WrongBefore, Checkpoint? Checkpoint, bool IsSigned);
