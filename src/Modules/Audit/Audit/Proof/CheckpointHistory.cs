using System.Collections.Concurrent;
using Modular.Store;

namespace Modular.Audit;

/// <summary>A checkpoint to compare the log with.</summary>
/// <param name="Note">As it was kept.</param>
/// <param name="IsOutside">Kept by an auditor, not by the database.</param>
internal sealed record KeptCheckpoint(Checkpoint Checkpoint, SignedNote Note, bool IsOutside);

/// <summary>What checkpoints say about a log: those of the database, and those that auditors kept outside of it.</summary>
internal sealed class CheckpointHistory(StoreDatabase database)
{
    /// <summary>All that are stored, in order; null where one is no checkpoint.</summary>
    public async Task<List<(long Size, KeptCheckpoint? Kept)>> Read(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select size, root, note from audit.checkpoints order by size");
        var all = new List<(long, KeptCheckpoint?)>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var (size, root, note) = (row.GetInt64(0), row.GetFieldValue<byte[]>(1), SignedNote.Read(row.GetString(2)));
            var isRight = note is not null && Checkpoint.Read(note.Text) is { } read && read.Size == size && read.HasRoot(root);
            all.Add((size, isRight ? new KeptCheckpoint(Checkpoint.Read(note!.Text)!, note, IsOutside: false) : null));
        }

        return all;
    }

    /// <summary>
    /// The first checkpoint that does not fit the log. What it says of positions: those before the last one that fits are
    /// vouched for, and the wrong one is before its own size.
    /// </summary>
    public static (Wrong? Wrong, long? Before) Compare(
        IReadOnlyList<KeptCheckpoint> checkpoints, TrustedKeys keys, string? origin, ScannedLog log)
    {
        var signed = new ConcurrentDictionary<KeptCheckpoint, bool>();
        Parallel.ForEach(checkpoints, kept => signed[kept] = kept.Note.IsSignedBy(keys.At(kept.Checkpoint.Size)));
        // Whoever writes another history signs checkpoints of that: only those from outside vouch against one from outside.
        var (vouched, outside) = (0L, 0L);
        foreach (var kept in checkpoints.OrderBy(kept => kept.Checkpoint.Size))
        {
            var size = kept.Checkpoint.Size;
            if (origin is not null && kept.Checkpoint.Origin != origin)
                return (new Wrong(vouched, "origin"), size);
            if (!signed[kept])
                return (new Wrong(vouched, "checkpoint_signature"), size);
            if (size > log.End)
                return (new Wrong(log.End, "entry_missing"), size);
            if (!log.Roots.TryGetValue(size, out var root) || !kept.Checkpoint.HasRoot(root))
                return (kept.IsOutside ? new Wrong(outside, "fork") : new Wrong(vouched, "checkpoint"), size);
            vouched = size;
            outside = kept.IsOutside ? size : outside;
        }

        return (null, null);
    }
}
