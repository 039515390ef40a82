using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>A checkpoint as it was signed.</summary>
internal sealed record StoredCheckpoint(Checkpoint Checkpoint, DateTimeOffset Time, SignedNote Note);

/// <summary>The log is not what was signed before: nothing may be signed for it.</summary>
internal sealed class LogContradictsItselfException(string message) : InvalidOperationException(message);

/// <summary>
/// The checkpoints of the log. One is only ever signed for a tree that begins with the tree of the one before; what does
/// not is told loudly and stays unsigned.
/// </summary>
internal sealed class Checkpoints(StoreDatabase database, LogTree tree, TileGrowth growth, EntryLog log, LogKeys keys, TimeProvider clock)
{
    public async Task<StoredCheckpoint?> Newest(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select note, time from audit.checkpoints order by size desc limit 1");
        return await Read(command, ct);
    }

    public async Task<StoredCheckpoint?> At(long size, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select note, time from audit.checkpoints where size = $1");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = size });
        return await Read(command, ct);
    }

    /// <summary>The checkpoint of the log as it is now; made when there is none yet.</summary>
    /// <exception cref="LogContradictsItselfException">The log does not begin with what was signed before.</exception>
    public async Task<StoredCheckpoint> Current(CancellationToken ct)
    {
        while (true)
        {
            var before = await Newest(ct);
            var size = await log.Head(ct);
            if (before is not null)
                await Compare(before.Checkpoint, size, ct);
            if (before?.Checkpoint.Size == size)
                return before;
            if (await Make(size, before?.Checkpoint.Size, ct) is { } made)
                return made;
        }
    }

    private async Task Compare(Checkpoint before, long size, CancellationToken ct)
    {
        if (size < before.Size)
            throw new LogContradictsItselfException($"The audit log has {size} entries, and had {before.Size} when its checkpoint was signed: it has been cut off.");
        if (await Root(before.Size, ct) is not { } root || !before.HasRoot(root))
            throw new LogContradictsItselfException($"The first {before.Size} entries of the audit log are not those that were signed: it has been changed.");
    }

    // Entries from before there were tiles have none yet.
    private async Task<byte[]?> Root(long size, CancellationToken ct)
    {
        if (await tree.Root(size, ct) is { } root)
            return root;
        await growth.Complete(size, ct);
        return await tree.Root(size, ct);
    }

    private async Task<StoredCheckpoint?> Make(long size, long? before, CancellationToken ct)
    {
        var identity = await keys.Identity(ct);
        var root = await Root(size, ct)
            ?? throw new LogContradictsItselfException($"The audit log has a hole below position {size}.");
        var checkpoint = new Checkpoint(identity.Origin, size, root);
        var made = new StoredCheckpoint(checkpoint, clock.GetUtcNow(), new SignedNote(checkpoint.Text, keys.Sign(identity, checkpoint.Text)));
        return await Store(made, before, keys.Outdated(identity), ct) ? made : null;
    }

    // Only behind the one it was compared with: of two nodes the second begins anew. What is not stored is never shown.
    private async Task<bool> Store(StoredCheckpoint made, long? before, IReadOnlyList<int> outdated, CancellationToken ct)
    {
        await using var connection = await database.Pooled.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select pg_advisory_xact_lock(hashtextextended('audit.checkpoints', 9))"));
        var insert = new NpgsqlBatchCommand("""
            insert into audit.checkpoints (size, root, time, note)
            select $1, $2, $3, $4 where (select max(size) from audit.checkpoints) is not distinct from $5
            """);
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = made.Checkpoint.Size });
        insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = made.Checkpoint.Root });
        insert.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = made.Time.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = made.Note.ToString() });
        insert.Parameters.Add(new NpgsqlParameter { Value = before is { } size ? size : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        batch.BatchCommands.Add(insert);
        var retire = new NpgsqlBatchCommand("delete from audit.log_secrets where number = any($1)");
        retire.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. outdated] });
        batch.BatchCommands.Add(retire);
        await batch.ExecuteNonQueryAsync(ct);
        return insert.RecordsAffected == 1;
    }

    private static async Task<StoredCheckpoint?> Read(PooledCommand command, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
            return null;
        var note = SignedNote.Read(row.GetString(0));
        return note is not null && Checkpoint.Read(note.Text) is { } checkpoint
            ? new StoredCheckpoint(checkpoint, row.GetFieldValue<DateTimeOffset>(1), note)
            : throw new LogContradictsItselfException("The newest checkpoint of the audit log is no checkpoint: it has been changed.");
    }
}
