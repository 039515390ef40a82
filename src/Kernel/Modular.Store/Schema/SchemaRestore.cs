using System.IO.Compression;
using Npgsql;

namespace Modular.Store;

/// <summary>
/// Makes our schemas in a database that has none of them, and fills them from a backup: all in one transaction, so a
/// restore that fails leaves the database as it was. It holds back every feed of the cluster while it lasts (DESIGN §4),
/// which is why it is not for a cluster at work.
/// </summary>
public sealed class SchemaRestore
{
    private readonly StoreDatabase _database;
    private readonly StoreRegistry _registry;
    private readonly SchemaReset _reset;
    private readonly KeyRing _keys;
    private readonly TimeProvider _clock;

    internal SchemaRestore(StoreDatabase database, StoreRegistry registry, SchemaReset reset, KeyRing keys, TimeProvider clock)
    {
        _database = database;
        _registry = registry;
        _reset = reset;
        _keys = keys;
        _clock = clock;
    }

    /// <summary>What a file holds, without restoring it.</summary>
    /// <exception cref="BackupException">It is not a backup, or one of another version.</exception>
    public async Task<BackupManifest> Read(Stream file, CancellationToken ct = default)
    {
        await using var zip = await Open(file, ct);
        return await Read(zip, ct);
    }

    /// <summary>Restores it.</summary>
    /// <param name="file">The backup.</param>
    /// <param name="replace">Drop what is there of ours first; without, a database that holds any of it is refused.</param>
    /// <param name="progress">Told after every chunk.</param>
    /// <param name="ct">Cancels it; nothing is left behind.</param>
    /// <exception cref="BackupException">It cannot be restored here; nothing was changed.</exception>
    public async Task<BackupManifest> Load(
        Stream file, bool replace = false, IProgress<CopyProgress>? progress = null, CancellationToken ct = default)
    {
        await using var zip = await Open(file, ct);
        var manifest = await Read(zip, ct);
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        var own = await OwnTables.Of(connection, _registry, ct);
        Check(manifest, own);
        if (!replace && await Found(connection, own, ct) is { } found)
            throw new BackupException($"The database has {found} already: restore into one without any of our schemas.");
        var published = await _reset.Published(connection, ct);

        await using var transaction = await connection.BeginTransactionAsync(ct);
        await CopiedRows.Execute(connection, CopiedRows.Settings, ct);
        await Lock(connection, ct);
        if (replace)
            await _reset.Drop(connection, published, ct);
        foreach (var step in ModuleDdl.Steps(_registry).Prepend(ModuleDdl.Bookkeeping))
            await CopiedRows.Execute(connection, ModuleDdl.Resolve(step, name => name), ct);
        var rows = new CopiedRows(manifest.Tables.Sum(table => table.Rows), _clock, progress);
        foreach (var table in manifest.Tables)
            await Fill(connection, table, zip, rows, ct);
        await Finish(connection, manifest, ct);
        await transaction.CommitAsync(ct);
        await _keys.Load(connection, ct);
        // Prepared statements and the epoch belong to the tables that were there before.
        _database.Pooled.Clear();
        _database.Direct.Clear();
        return manifest;
    }

    private static async Task<ZipArchive> Open(Stream file, CancellationToken ct)
    {
        try
        {
            return await ZipArchive.CreateAsync(file, ZipArchiveMode.Read, leaveOpen: true, entryNameEncoding: null, ct);
        }
        catch (InvalidDataException)
        {
            throw new BackupException("This is not a backup, or not the whole of one.");
        }
    }

    private async Task<BackupManifest> Read(ZipArchive zip, CancellationToken ct)
    {
        var manifest = await BackupManifest.Read(zip, ct);
        return MigrationDifference.Between(manifest.Migrations, [.. MigrationDifference.Expected(_registry)]) is { } difference
            ? throw new BackupException($"The backup is of another version ({difference}): restore it with the version that made it, then start this one.")
            : manifest;
    }

    private static void Check(BackupManifest manifest, OwnTables own)
    {
        var given = manifest.Tables.ToDictionary(table => table.QualifiedName);
        if (own.Tables.FirstOrDefault(table => !given.ContainsKey(table.QualifiedName)) is { } missing)
            throw new BackupException($"The backup has no rows of {missing.QualifiedName}: it is damaged.");
        foreach (var table in own.Tables)
        {
            if (!given.Remove(table.QualifiedName, out var rows) || !rows.Columns.SequenceEqual(table.Columns))
                throw new BackupException($"The backup's {table.QualifiedName} has other columns: it is damaged.");
        }

        if (given.Keys.FirstOrDefault() is { } unknown)
            throw new BackupException($"The backup has rows of {unknown}, which is no table of ours: it is damaged.");
        if (manifest.Sequences.Any(sequence => !own.Sequences.Contains((sequence.Schema, sequence.Name))))
            throw new BackupException("The backup has a sequence that is none of ours: it is damaged.");
    }

    private static async Task<string?> Found(NpgsqlConnection connection, OwnTables own, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select min(name) from unnest($1) name where to_regclass(name) is not null", connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. own.Tables.Select(table => table.QualifiedName)] });
        return await command.ExecuteScalarAsync(ct) as string;
    }

    private static async Task Lock(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"select pg_try_advisory_xact_lock({SchemaMigrator.Lock})", connection);
        if (await command.ExecuteScalarAsync(ct) is not true)
            throw new BackupException("Somebody is migrating this database: stop the servers first.");
    }

    private async Task Fill(NpgsqlConnection connection, BackupTable table, ZipArchive zip, CopiedRows rows, CancellationToken ct)
    {
        await MakePartitions(connection, table, ct);
        // What the migrations put there comes from the backup too. Only where there is something: the audit log refuses
        // even a delete that finds nothing.
        await CopiedRows.Execute(
            connection, $"do $do$ begin if exists (select from {table.QualifiedName}) then delete from {table.QualifiedName}; end if; end $do$", ct);
        var entry = zip.GetEntry(table.EntryName) ?? throw new BackupException($"The backup's {table.EntryName} is missing: it is damaged.");
        var copied = await Copy(connection, table, entry, rows, ct);
        if (copied != (table.Rows, table.Bytes, table.Sha256))
            throw new BackupException($"The backup's {table.EntryName} is not what its manifest says: it is damaged. Nothing was restored.");
        await CopiedRows.Execute(connection, $"analyze {table.QualifiedName}", ct);
    }

    private static async Task<(long Rows, long Bytes, string Sha256)> Copy(
        NpgsqlConnection connection, BackupTable table, ZipArchiveEntry entry, CopiedRows rows, CancellationToken ct)
    {
        try
        {
            await using var source = await entry.OpenAsync(ct);
            await using var target = await connection.BeginTextImportAsync(
                $"copy {table.QualifiedName} ({string.Join(", ", table.Columns)}) from stdin with (format text, encoding 'UTF8')", ct);
            return await rows.Pass(source, CopiedRows.Bytes(target), ct);
        }
        catch (InvalidDataException damaged)
        {
            throw Unreadable(damaged.Message);
        }
        catch (PostgresException damaged) when (damaged.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            throw Unreadable(damaged.MessageText);
        }

        BackupException Unreadable(string why) => new($"The backup's {table.EntryName} cannot be read ({why}): it is damaged. Nothing was restored.");
    }

    private async Task MakePartitions(NpgsqlConnection connection, BackupTable table, CancellationToken ct)
    {
        if (table.Partitions.Count == 0)
            return;
        var there = await OwnTables.Partitions(connection, table.QualifiedName, ct);
        var make = _registry.Modules.Single(module => module.DatabaseSchemaName == table.Schema).Storage.Partitioned.GetValueOrDefault(table.Name);
        foreach (var partition in table.Partitions.Except(there))
        {
            var sql = make ?? throw new BackupException($"The backup has the partition {table.Schema}.{partition}, which nobody here knows how to make.");
            await using var command = new NpgsqlCommand(sql.Replace("{schema}", table.Schema, StringComparison.Ordinal), connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = partition });
            await command.ExecuteNonQueryAsync(ct);
        }
    }

    private async Task Finish(NpgsqlConnection connection, BackupManifest manifest, CancellationToken ct)
    {
        foreach (var sequence in manifest.Sequences)
        {
            await using var set = new NpgsqlCommand($"select setval('{sequence.Schema}.{sequence.Name}', $1, $2)", connection);
            set.Parameters.Add(new NpgsqlParameter<long> { TypedValue = sequence.Value });
            set.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = sequence.IsCalled });
            await set.ExecuteNonQueryAsync(ct);
        }

        // Transaction ids of a younger cluster are lower than those in the rows: what is written here belongs to the next
        // epoch. enter_epoch looks at events alone; a message or a mark may have come after the last of them.
        await using var raise = new NpgsqlCommand("update store.epoch set epoch = epoch + 1 where pg_current_xact_id() < $1", connection);
        raise.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = manifest.Transaction, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Xid8 });
        await raise.ExecuteNonQueryAsync(ct);
        try
        {
            await _keys.Verify(connection, ct);
        }
        catch (WrongSecretException)
        {
            throw new BackupException("The backup was made with another Auth:Secret: restore it with that one, or nobody's personal data in it can be read.");
        }
    }
}
