using System.Data;
using System.IO.Compression;
using Npgsql;

namespace Modular.Store;

/// <summary>
/// Writes everything that is ours into one file, as it was at one instant: a zip of a manifest and of each table's rows
/// in COPY's text format (DESIGN §8). Servers go on working meanwhile.
/// </summary>
public sealed class SchemaBackup
{
    private readonly StoreDatabase _database;
    private readonly StoreRegistry _registry;
    private readonly TimeProvider _clock;

    internal SchemaBackup(StoreDatabase database, StoreRegistry registry, TimeProvider clock)
    {
        _database = database;
        _registry = registry;
        _clock = clock;
    }

    /// <exception cref="BackupException">The schema is not that of this version.</exception>
    public async Task<BackupManifest> Write(Stream file, IProgress<CopyProgress>? progress = null, CancellationToken ct = default)
    {
        await using var connection = await _database.Direct.OpenConnectionAsync(ct);
        if (await MigrationDifference.Between(connection, _registry, ct) is { } difference)
            throw new BackupException($"The schema is not this version's ({difference}): run 'db migrate', or back up with the version that runs here.");
        var own = await OwnTables.Of(connection, _registry, ct);

        // Reads only: it takes no transaction id, so the feeds of running servers do not wait for it (DESIGN §4).
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        await CopiedRows.Execute(connection, "set transaction read only", ct);
        await CopiedRows.Execute(connection, CopiedRows.Settings, ct);
        await CopiedRows.Execute(
            connection, $"lock table {string.Join(", ", own.Tables.Select(table => table.QualifiedName))} in access share mode", ct);

        var rows = new CopiedRows(await EstimatedRows(connection, own, ct), _clock, progress);
        await using var zip = await ZipArchive.CreateAsync(file, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, ct);
        var transactionId = await Present(connection, ct);
        var tables = new List<BackupTable>();
        foreach (var table in own.Tables)
            tables.Add(await Copy(connection, table, zip, rows, ct));
        var manifest = new BackupManifest(
            BackupManifest.CurrentFormat, _clock.GetUtcNow(), connection.PostgreSqlVersion.ToString(), transactionId,
            [.. MigrationDifference.Expected(_registry)], tables, await Sequences(connection, own, ct));
        await manifest.Write(zip, ct);
        return manifest;
    }

    // In the order of the key, so that two copies of equal tables are equal, however the rows lie on disk.
    private static async Task<BackupTable> Copy(
        NpgsqlConnection connection, OwnTable table, ZipArchive zip, CopiedRows rows, CancellationToken ct)
    {
        var order = table.Key.Length == 0 ? "" : $" order by {string.Join(", ", table.Key)}";
        var copied = new BackupTable(
            table.Schema, table.Name, table.Columns, await OwnTables.Partitions(connection, table.QualifiedName, ct), 0, 0, "");
        await using var entry = await zip.CreateEntry(copied.EntryName, CompressionLevel.Fastest).OpenAsync(ct);
        using var source = await connection.BeginTextExportAsync(
            $"copy (select {string.Join(", ", table.Columns)} from {table.QualifiedName}{order}) to stdout with (format text, encoding 'UTF8')", ct);
        var (count, bytes, sha256) = await rows.Pass(CopiedRows.Bytes(source), entry, ct);
        return copied with { Rows = count, Bytes = bytes, Sha256 = sha256 };
    }

    private static async Task<long> EstimatedRows(NpgsqlConnection connection, OwnTables own, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select coalesce(sum(greatest(reltuples, 0)), 0)::bigint from pg_class where oid = any($1::regclass[])", connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. own.Tables.Select(table => table.QualifiedName)] });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private static async Task<ulong> Present(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select pg_snapshot_xmax(pg_current_snapshot())", connection);
        return (ulong)(await command.ExecuteScalarAsync(ct))!;
    }

    // Sequences know no snapshots: read last, so that they are not behind the rows.
    private static async Task<List<BackupSequence>> Sequences(NpgsqlConnection connection, OwnTables own, CancellationToken ct)
    {
        var sequences = new List<BackupSequence>();
        foreach (var (schema, name) in own.Sequences)
        {
            await using var command = new NpgsqlCommand($"select last_value, is_called from {schema}.{name}", connection);
            await using var row = await command.ExecuteReaderAsync(ct);
            await row.ReadAsync(ct);
            sequences.Add(new BackupSequence(schema, name, row.GetInt64(0), row.GetBoolean(1)));
        }

        return sequences;
    }
}
