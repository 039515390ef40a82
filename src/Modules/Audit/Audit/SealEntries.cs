using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// Turns the feeds of all modules into the log: gives every committed event the next position and copies its canonical
/// bytes. It never maps, upcasts or reads a clock, so the log can be made again, byte for byte (DESIGN §7).
/// </summary>
internal sealed class SealEntries(
    StoreDatabase database, CanonicalEvents events, TileGrowth growth, LogStanding standing, SealingMetrics metrics) : ISubscription
{
    /// <summary>Permanent: the log's progress is stored under it.</summary>
    public const string Name = "audit-log";

    public async Task ProcessEventsAsync(EventRange page, IDocumentOperations operations, CancellationToken cancellationToken)
    {
        // Right when the page's progress is still where this node believes it is, which is the fence of its transaction:
        // nobody moves the progress without adding its entries.
        var first = await NextPosition(cancellationToken);
        var opened = await events.Open([.. page.Events.Select(e => e.Canonical)], cancellationToken);
        var leaves = page.Events.Select(e => MerkleTree.LeafHash(e.Canonical.Span)).ToList();
        var (edge, tiles) = await growth.After(first, leaves, cancellationToken);
        operations.QueueOperation(new SealedPage(first, page.Events, leaves));
        if (tiles.Count > 0)
            operations.QueueOperation(new TilesPage(tiles));
        operations.QueueOperation(new SearchPage([.. opened.Select((e, at) => SearchRow.Of(first + at, e))]));
        (operations as IDocumentSession)?.OnCommitted(() =>
        {
            growth.Committed(edge);
            standing.Sealed();
            metrics.Sealed(page.Events);
        });
    }

    private async Task<long> NextPosition(CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("select position + 1 from audit.entries order by position desc limit 1");
        return await command.ExecuteScalarAsync(ct) is long next ? next : 0;
    }

    private sealed class SealedPage(long first, IReadOnlyList<IEvent> events, IReadOnlyList<byte[]> leaves) : IStorageOperation
    {
        public void Write(StoreBatch batch)
        {
            // Ahead of the partition in use, so that no page ever waits for one.
            batch.Sql("select audit.make_partition(($1 >> audit.partition_bits()) + 1)").With(first + events.Count - 1);
            batch.Sql("""
                insert into audit.entries (position, event_id, epoch, xact, module, sequence, canonical, leaf)
                select $1 + e.number - 1, e.event_id, e.epoch, e.xact, e.module, e.sequence, e.canonical, e.leaf
                from unnest($2::uuid[], $3::integer[], $4::xid8[], $5::text[], $6::bigint[], $7::bytea[], $8::bytea[])
                    with ordinality as e (event_id, epoch, xact, module, sequence, canonical, leaf, number)
                """)
                .With(first)
                .Column(events, e => e.Id, NpgsqlDbType.Uuid)
                .Column(events, e => e.Position.Epoch, NpgsqlDbType.Integer)
                .Column(events, e => e.Position.Transaction, NpgsqlDbType.Xid8)
                .Column(events, e => e.Position.Module, NpgsqlDbType.Text)
                .Column(events, e => e.Position.Sequence, NpgsqlDbType.Bigint)
                .Column(events, e => e.Canonical.ToArray(), NpgsqlDbType.Bytea)
                .Column(leaves, leaf => leaf, NpgsqlDbType.Bytea);
        }

        // Only when a page got past the fence with a wrong base could this happen; nothing of it is stored.
        public Exception? Explain(PostgresException failure) => failure.SqlState == PostgresErrorCodes.UniqueViolation
            ? new InvalidOperationException($"Position {first} of the audit log was taken.", failure)
            : null;
    }

    private sealed class SearchPage(IReadOnlyList<SearchRow> rows) : IStorageOperation
    {
        public void Write(StoreBatch batch) => batch
            .Sql($"""
                insert into audit.search ({SearchRow.Columns})
                select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::text[], $11::text[]::inet[], $12::text[], $13::text[], $14::text[], $15::text[])
                """)
            .Column(rows, row => row.Position, NpgsqlDbType.Bigint)
            .Column(rows, row => row.Time.UtcDateTime, NpgsqlDbType.TimestampTz)
            .Column(rows, row => row.Module, NpgsqlDbType.Text)
            .Column(rows, row => row.Type, NpgsqlDbType.Text)
            .Column(rows, row => row.Outcome, NpgsqlDbType.Text)
            .Column(rows, row => row.Reason, NpgsqlDbType.Text)
            .Column(rows, row => row.Actor, NpgsqlDbType.Text)
            .Column(rows, row => row.Subject, NpgsqlDbType.Text)
            .Column(rows, row => row.Session, NpgsqlDbType.Text)
            .Column(rows, row => row.Organization, NpgsqlDbType.Text)
            .Column(rows, row => row.Ip, NpgsqlDbType.Text)
            .Column(rows, row => row.UserAgent, NpgsqlDbType.Text)
            .Column(rows, row => row.Request, NpgsqlDbType.Text)
            .Column(rows, row => row.Stream, NpgsqlDbType.Text)
            .Column(rows, row => row.Words, NpgsqlDbType.Text);
    }
}

internal static class ColumnExtensions
{
    /// <summary>The next parameter: one column of a page, as an array for <c>unnest</c>.</summary>
    public static StoreBatch Column<TRow, TValue>(
        this StoreBatch batch, IReadOnlyList<TRow> rows, Func<TRow, TValue> read, NpgsqlDbType type)
    {
        var column = new TValue[rows.Count];
        for (var at = 0; at < column.Length; at++)
            column[at] = read(rows[at]);
        return batch.With(column, NpgsqlDbType.Array | type);
    }
}
