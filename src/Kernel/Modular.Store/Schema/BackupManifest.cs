using System.IO.Compression;
using System.Text.Json;

namespace Modular.Store;

/// <summary>What a backup holds; its entry <c>manifest.json</c>.</summary>
/// <param name="Format">Of the file; a program refuses one that it does not know.</param>
/// <param name="CreatedAt">When the snapshot was taken.</param>
/// <param name="Server">The version of PostgreSQL that it was taken from; any other can load it.</param>
/// <param name="Transaction">The first transaction that had not begun: every stored transaction id lies below it.</param>
/// <param name="Migrations">What was applied.</param>
/// <param name="Tables">Their rows, in the order they are loaded.</param>
/// <param name="Sequences">Where they stood.</param>
public sealed record BackupManifest(
    int Format,
    DateTimeOffset CreatedAt,
    string Server,
    ulong Transaction,
    IReadOnlyList<BackupMigration> Migrations,
    IReadOnlyList<BackupTable> Tables,
    IReadOnlyList<BackupSequence> Sequences)
{
    internal const int CurrentFormat = 1;

    private const string EntryName = "manifest.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    internal async Task Write(ZipArchive zip, CancellationToken ct)
    {
        await using var entry = await zip.CreateEntry(EntryName, CompressionLevel.Fastest).OpenAsync(ct);
        await JsonSerializer.SerializeAsync(entry, this, Json, ct);
    }

    internal static async Task<BackupManifest> Read(ZipArchive zip, CancellationToken ct)
    {
        var entry = zip.GetEntry(EntryName) ?? throw new BackupException("This is not a backup: it has no manifest.");
        try
        {
            await using var content = await entry.OpenAsync(ct);
            var manifest = await JsonSerializer.DeserializeAsync<BackupManifest>(content, Json, ct);
            return manifest?.Format == CurrentFormat
                ? manifest
                : throw new BackupException($"The backup is of format {manifest?.Format}, this version reads format {CurrentFormat}.");
        }
        catch (JsonException)
        {
            throw new BackupException("This is not a backup: its manifest cannot be read.");
        }
    }
}

/// <summary>A migration step that was applied, by the hash of its SQL.</summary>
public sealed record BackupMigration(string Schema, string Name, string Checksum);

/// <summary>The rows of a table.</summary>
/// <param name="Columns">As identifiers of SQL, in the order of the rows' fields; generated ones are left out.</param>
/// <param name="Partitions">Of a partitioned table, whose rows are kept together.</param>
/// <param name="Rows">How many.</param>
/// <param name="Bytes">Of the entry, uncompressed: PostgreSQL's text format of COPY.</param>
/// <param name="Sha256">Of the same.</param>
public sealed record BackupTable(
    string Schema, string Name, IReadOnlyList<string> Columns, IReadOnlyList<string> Partitions, long Rows, long Bytes, string Sha256)
{
    internal string EntryName => $"tables/{Schema}.{Name}.copy";

    internal string QualifiedName => $"{Schema}.{Name}";
}

/// <summary>Where a sequence stood.</summary>
public sealed record BackupSequence(string Schema, string Name, long Value, bool IsCalled);

/// <summary>A backup that cannot be made or restored, in one sentence. Nothing was changed.</summary>
public sealed class BackupException(string message) : Exception(message);
