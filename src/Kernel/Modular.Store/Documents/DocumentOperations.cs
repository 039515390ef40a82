using System.Collections.Concurrent;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Store;

/// <summary>Statements for documents of one type, made once.</summary>
internal sealed class DocumentSql
{
    private static readonly ConcurrentDictionary<DocumentMapping, DocumentSql> Known = new();

    private DocumentSql(DocumentMapping mapping)
    {
        var table = mapping.QualifiedName;
        var columns = string.Concat(mapping.Duplicated.Select(column => $", {column.Name}"));
        var values = string.Concat(mapping.Duplicated.Select((column, at) => $", ${at + 5}::{column.PgType}"));
        var sets = string.Concat(mapping.Duplicated.Select((column, at) => $", {column.Name} = ${at + 5}::{column.PgType}"));
        var excluded = string.Concat(mapping.Duplicated.Select(column => $", {column.Name} = excluded.{column.Name}"));
        Insert = $"insert into {table} (id, data, mt_last_modified, mt_version{columns}) values ($1, $2, $3, $4{values})";
        Upsert = $"{Insert} on conflict (id) do update set data = excluded.data, mt_last_modified = excluded.mt_last_modified, mt_version = excluded.mt_version{excluded}";
        Overwrite = $"{Insert} on conflict (id) do update set data = excluded.data, mt_last_modified = excluded.mt_last_modified, mt_version = {table}.mt_version + 1{excluded}";
        // $4 is the revision before; 0 stands for any.
        Update = $"with touched as (update {table} set data = $2, mt_last_modified = $3, mt_version = mt_version + 1{sets} where id = $1 and ($4 = 0 or mt_version = $4) returning 1) "
            + $"select store.expect((select count(*) from touched), 1, '{table}')";
        Target = $"{table} (id, data, mt_last_modified, mt_version{columns})";
        Types = ["text", "jsonb", "timestamptz", "bigint", .. mapping.Duplicated.Select(column => column.PgType)];
        Delete = $"delete from {table} where id = $1";
        Load = $"select data from {table} where id = $1";
        Lock = $"select 1 from {table} where id = any($1) order by id for update";
        LoadRevision = $"select data, mt_version from {table} where id = $1";
        LoadMany = $"select data from {table} where id = any($1)";
        Query = $"select d.data from {table} as d ";
    }

    public string Insert { get; }

    public string Upsert { get; }

    public string Overwrite { get; }

    public string Update { get; }

    public string Delete { get; }

    /// <summary>The table and its columns, for a COPY.</summary>
    public string Target { get; }

    /// <summary>Their types.</summary>
    public IReadOnlyList<string> Types { get; }

    public string Lock { get; }

    public string Load { get; }

    public string LoadRevision { get; }

    public string LoadMany { get; }

    public string Query { get; }

    public static DocumentSql Of(DocumentMapping mapping) => Known.GetOrAdd(mapping, key => new DocumentSql(key));
}

internal enum DocumentChange
{
    Insert,
    Store,
    Update,
    Snapshot,
    Delete,
}

/// <summary>A staged change of one document.</summary>
internal sealed class DocumentOperation(
    DocumentMapping mapping, DocumentChange change, string id, object? document, DateTimeOffset now, long version)
    : IBulkOperation
{
    public (DocumentMapping Mapping, string Id) Key => (mapping, id);

    /// <summary>Whether it may touch a row that others touch too.</summary>
    public bool IsOfOldRow => change != DocumentChange.Insert;

    public object? Document => change == DocumentChange.Delete ? null : document;

    public void Write(StoreBatch batch)
    {
        var sql = DocumentSql.Of(mapping);
        if (change == DocumentChange.Delete)
        {
            batch.Sql(sql.Delete).With(id);
            return;
        }

        batch.Sql(change switch
        {
            DocumentChange.Insert => sql.Insert,
            DocumentChange.Store => sql.Overwrite,
            DocumentChange.Snapshot => sql.Upsert,
            _ => sql.Update,
        });
        batch.With(id).WithJson(JsonSerializer.SerializeToUtf8Bytes(document, mapping.DocumentType, StoreJson.Options))
            .With(now).With(version);
        foreach (var column in mapping.Duplicated)
            batch.WithColumn(column.Read(document!), column.PgType);
    }

    public void AddTo(BulkRows rows)
    {
        var sql = DocumentSql.Of(mapping);
        rows.Add(
            sql.Target, sql.Types,
            [
                id, JsonSerializer.SerializeToUtf8Bytes(document, mapping.DocumentType, StoreJson.Options), now.UtcDateTime, version,
                .. mapping.Duplicated.Select(column => StoreBatch.Plain(column.Read(document!))),
            ]);
    }

    public Exception? Explain(PostgresException failure) => failure.SqlState == StoreBatch.ExpectationFailed
        ? version == 0
            ? new NonExistentDocumentException($"{mapping.QualifiedName} holds no '{id}'.", failure)
            : new ConcurrencyException($"{mapping.QualifiedName} '{id}' is not at revision {version}.", failure)
        : null;
}

/// <summary>
/// Locks the rows that a unit of work is going to change in an order that all units share: changed in the order in
/// which a handler stages them, two of them would wait for each other.
/// </summary>
internal sealed class RowLock(DocumentMapping mapping, string[] ids) : IStorageOperation
{
    public static IEnumerable<RowLock> InOrder(IEnumerable<DocumentOperation> operations)
    {
        var rows = operations.Where(operation => operation.IsOfOldRow).Select(operation => operation.Key).Distinct().ToList();
        return rows.Count < 2
            ? []
            : rows.GroupBy(row => row.Mapping, row => row.Id).OrderBy(table => table.Key.QualifiedName, StringComparer.Ordinal)
                .Select(table => new RowLock(table.Key, [.. table]));
    }

    public void Write(StoreBatch batch) => batch.Sql(DocumentSql.Of(mapping).Lock).With(ids, NpgsqlDbType.Array | NpgsqlDbType.Text);
}

/// <summary>A staged statement written by hand.</summary>
internal sealed class SqlOperation(string sql, object?[] parameters, long? expectedRows) : IStorageOperation
{
    private readonly string _sql = expectedRows is { } expected
        ? $"with touched as ({Positional(sql)} returning 1) select store.expect((select count(*) from touched), {expected}, 'a conditional statement')"
        : Positional(sql);

    public void Write(StoreBatch batch)
    {
        batch.Sql(_sql);
        foreach (var parameter in parameters)
            batch.WithAny(parameter);
    }

    /// <summary>Turns each <c>?</c> into <c>$1</c>, <c>$2</c>…, as Marten's raw SQL does. <c>??</c> is a question mark.</summary>
    internal static string Positional(string sql)
    {
        var parts = sql.Replace("??", "\0", StringComparison.Ordinal).Split('?');
        var numbered = parts.Length == 1 ? parts[0] : string.Concat(parts.Select((part, at) => at == 0 ? part : $"${at}{part}"));
        return numbered.Replace('\0', '?');
    }
}
