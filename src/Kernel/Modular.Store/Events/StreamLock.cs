using NpgsqlTypes;

namespace Modular.Store;

/// <summary>
/// An advisory lock of the transaction on streams: appends that expect no version of their own queue up for it.
/// It is no write and locks no row, so waiting for it gives the transaction no id (DESIGN §4).
/// </summary>
internal sealed class StreamLock(IEnumerable<StreamAction> streams) : IStorageOperation
{
    /// <summary>Takes the locks one after the other in the order of their numbers, which all units of work share.</summary>
    public const string Sql =
        "select pg_advisory_xact_lock(number) from "
        + "(select distinct hashtextextended(name, 9) as number from unnest($1::text[]) name order by 1) numbers";

    /// <summary>Two units of work that touch the same streams take their locks in the same order.</summary>
    public static IEnumerable<StreamAction> InOrder(IEnumerable<StreamAction> streams) => streams
        .OrderBy(stream => stream.Schema, StringComparer.Ordinal)
        .ThenBy(stream => stream.Key, StringComparer.Ordinal);

    public static string[] Names(IEnumerable<StreamAction> streams) => [.. streams.Select(stream => $"{stream.Schema}/{stream.Key}")];

    public void Write(StoreBatch batch) => batch.Sql(Sql).With(Names(streams), NpgsqlDbType.Array | NpgsqlDbType.Text);
}
