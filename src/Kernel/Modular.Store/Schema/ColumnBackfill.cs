using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Modular.Store;

/// <summary>
/// Fills a column that a document type has got since its rows were written, by the code that writes it from now on.
/// In chunks, each a transaction of its own: one over a large table would hold the feed back.
/// </summary>
internal static class ColumnBackfill
{
    private const int ChunkRows = 1_000;

    public static async Task Run(NpgsqlConnection connection, DocumentMapping document, ILogger log, CancellationToken ct)
    {
        var done = await Done(connection, document, ct);
        var columns = document.Duplicated.Where(column => !done.Contains(column.Name)).ToList();
        if (columns.Count == 0)
            return;
        var rows = 0L;
        for (var (last, count) = ("", ChunkRows); count == ChunkRows; rows += count)
            (last, count) = await Chunk(connection, document, columns, last, ct);

        await Remember(connection, document, columns, ct);
        if (rows > 0)
            log.LogInformation("Filled new columns of {Rows} rows of {Table}", rows, document.QualifiedName);
    }

    private static string Step(DocumentMapping document, DuplicatedColumn column) => $"{document.TableName}.{column.Name}";

    private static async Task<HashSet<string>> Done(NpgsqlConnection connection, DocumentMapping document, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select split_part(name, '.', 2) from store.migrations where schema = $1 and name like $2", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = document.Schema });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{document.TableName.Replace("_", "\\_", StringComparison.Ordinal)}.%" });
        await using var rows = await command.ExecuteReaderAsync(ct);
        var names = new HashSet<string>();
        while (await rows.ReadAsync(ct))
            names.Add(rows.GetString(0));
        return names;
    }

    // A row that somebody has written since it was read is right already, or belongs to the version before.
    private static async Task<(string Last, int Count)> Chunk(
        NpgsqlConnection connection, DocumentMapping document, List<DuplicatedColumn> columns, string after, CancellationToken ct)
    {
        var rows = await Read(connection, document, after, ct);
        if (rows.Count == 0)
            return (after, 0);
        var sets = string.Join(", ", columns.Select((column, at) => $"{column.Name} = ${at + 3}::{column.PgType}"));
        await using var npgsql = new NpgsqlBatch(connection);
        var batch = new StoreBatch(npgsql);
        foreach (var (id, data) in rows)
        {
            var state = JsonSerializer.Deserialize(data, document.DocumentType, StoreJson.Options)!;
            batch.Sql($"update {document.QualifiedName} set {sets} where id = $1 and data = $2").With(id).WithJson(data);
            foreach (var column in columns)
                batch.WithColumn(column.Read(state), column.PgType);
        }

        await npgsql.ExecuteNonQueryAsync(ct);
        return (rows[^1].Id, rows.Count);
    }

    private static async Task<List<(string Id, byte[] Data)>> Read(
        NpgsqlConnection connection, DocumentMapping document, string after, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"select id, data from {document.QualifiedName} where id > $1 order by id limit {ChunkRows}", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after });
        var found = new List<(string, byte[])>();
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            found.Add((rows.GetString(0), rows.GetFieldValue<byte[]>(1)));
        return found;
    }

    private static async Task Remember(
        NpgsqlConnection connection, DocumentMapping document, List<DuplicatedColumn> columns, CancellationToken ct)
    {
        await using var npgsql = new NpgsqlBatch(connection);
        var batch = new StoreBatch(npgsql);
        foreach (var column in columns)
        {
            batch.Sql("insert into store.migrations (schema, name, checksum) values ($1, $2, '') on conflict do nothing")
                .With(document.Schema).With(Step(document, column));
        }

        await npgsql.ExecuteNonQueryAsync(ct);
    }
}
