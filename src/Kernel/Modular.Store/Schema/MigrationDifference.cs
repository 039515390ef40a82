using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Modular.Store;

/// <summary>Whether two sets of migrations are the same, and the first step by which they are not.</summary>
internal static class MigrationDifference
{
    /// <summary>What this version applies.</summary>
    public static IEnumerable<BackupMigration> Expected(StoreRegistry registry) => ModuleDdl.Steps(registry).Select(step =>
        new BackupMigration(step.Schema, step.Name, Checksum(ModuleDdl.Resolve(step, name => name))));

    public static string Checksum(string sql) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql)));

    /// <summary>How what is applied in the database differs from what this version applies; null when it does not.</summary>
    public static async Task<string?> Between(NpgsqlConnection connection, StoreRegistry registry, CancellationToken ct)
    {
        await using (var exists = new NpgsqlCommand("select to_regclass('store.migrations') is not null", connection))
        {
            if (await exists.ExecuteScalarAsync(ct) is not true)
                return "nothing is applied";
        }

        // Without a checksum: marks of columns that were filled, not steps.
        await using var command = new NpgsqlCommand("select schema, name, checksum from store.migrations where checksum <> ''", connection);
        await using var rows = await command.ExecuteReaderAsync(ct);
        var applied = new List<BackupMigration>();
        while (await rows.ReadAsync(ct))
            applied.Add(new BackupMigration(rows.GetString(0), rows.GetString(1), rows.GetString(2)));
        return Between(applied, [.. Expected(registry)]);
    }

    public static string? Between(IReadOnlyCollection<BackupMigration> applied, IReadOnlyCollection<BackupMigration> expected)
    {
        if (expected.Except(applied).FirstOrDefault() is { } missing)
            return $"{missing.Schema}/{missing.Name} is not applied in it";
        return applied.Except(expected).FirstOrDefault() is { } unknown ? $"{unknown.Schema}/{unknown.Name} is unknown here" : null;
    }
}
