using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>What witnesses have signed below our checkpoints.</summary>
internal sealed class Cosignatures(StoreDatabase database)
{
    /// <summary>The checkpoint with all that was signed below it.</summary>
    public async Task<SignedNote> AddTo(StoredCheckpoint stored, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select line from audit.cosignatures where size = $1 order by time, name, key_id");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = stored.Checkpoint.Size });
        var lines = new List<NoteSignature>(stored.Note.Signatures);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            if (NoteSignature.Read(row.GetString(0)) is { } signature)
                lines.Add(signature);
        }

        return stored.Note with { Signatures = lines };
    }

    /// <summary>The size of the newest checkpoint that a witness has signed.</summary>
    public async Task<long?> NewestSize(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select max(size) from audit.cosignatures");
        return await command.ExecuteScalarAsync(ct) as long?;
    }

    /// <summary>The first of a witness for a checkpoint is kept; another says nothing more.</summary>
    public async Task Add(long size, NoteSignature signature, DateTimeOffset seen, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            insert into audit.cosignatures (size, name, key_id, time, line) values ($1, $2, $3, $4, $5) on conflict do nothing
            """);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = size });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = signature.Name });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = signature.KeyId });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = seen.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = signature.ToString() });
        await command.ExecuteNonQueryAsync(ct);
    }
}
