using Npgsql;

namespace Modular.Store;

/// <summary>An operation that may also be a row of a COPY: it puts one where none can be.</summary>
internal interface IBulkOperation : IStorageOperation
{
    void AddTo(BulkRows rows);
}

/// <summary>New rows of a unit of work, table by table, for a COPY into each.</summary>
internal sealed class BulkRows
{
    /// <summary>In the place of the transaction's id, which is known when it has begun.</summary>
    public static readonly object Transaction = new();

    private readonly Dictionary<string, (IReadOnlyList<string> Types, List<object?[]> Rows)> _tables = [];

    /// <param name="target">The table and its columns: <c>schema.table (a, b)</c>.</param>
    /// <param name="types">PostgreSQL's names of the columns' types.</param>
    /// <param name="row">A value for each.</param>
    public void Add(string target, IReadOnlyList<string> types, params object?[] row)
    {
        if (!_tables.TryGetValue(target, out var table))
            _tables.Add(target, table = (types, []));
        table.Rows.Add(row);
    }

    /// <summary>Copies all of it inside the transaction that the connection is in.</summary>
    public async Task Copy(NpgsqlConnection connection)
    {
        await using var ask = new NpgsqlCommand("select pg_current_xact_id()", connection);
        var transaction = (ulong)(await ask.ExecuteScalarAsync())!;
        foreach (var (target, (types, rows)) in _tables)
        {
            await using var copy = new RowCopy(await connection.BeginBinaryImportAsync($"copy {target} from stdin (format binary)"), types);
            foreach (var row in rows)
            {
                for (var at = 0; at < row.Length; at++)
                {
                    if (ReferenceEquals(row[at], Transaction))
                        row[at] = transaction;
                }

                await copy.Write(row, CancellationToken.None);
            }

            await copy.Complete(CancellationToken.None);
        }
    }
}
