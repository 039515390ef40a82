using System.Diagnostics;
using MediatR;
using Modular.Audit.Contracts;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// Makes the log again beside the real one and compares: <c>audit rebuild audit.entries</c>. It is done in chunks that
/// each commit at once, because an open write transaction would hold every feed back.
/// </summary>
internal static class RebuildLog
{
    internal const string Name = "audit.entries";

    internal sealed class Handler(StoreDatabase database, EventFeed feed, LogRows log, LogBoundaries boundaries)
        : IRequestHandler<Contracts.RebuildLog, RebuiltLog>
    {
        private const int ChunkEntries = 2_000;

        public async Task<RebuiltLog> Handle(Contracts.RebuildLog request, CancellationToken cancellationToken)
        {
            await using var connection = await database.Direct.OpenConnectionAsync(cancellationToken);
            var shadow = new Shadow(connection);
            if (!await shadow.Lock(cancellationToken))
                throw new InvalidOperationException("Another rebuild of the audit log is running.");
            try
            {
                await shadow.Create(cancellationToken);
                return await Rebuild(shadow, request.Progress, cancellationToken);
            }
            finally
            {
                await shadow.Drop();
            }
        }

        private async Task<RebuiltLog> Rebuild(Shadow shadow, IProgress<LogProgress>? progress, CancellationToken ct)
        {
            var end = await log.End(ct);
            var elapsed = Stopwatch.StartNew();
            var boundary = await boundaries.Last(ct);
            var (made, real) = (boundary.Tree(), boundary.Tree());
            var comparison = new Comparison(boundary.Position);
            var after = boundary.Feed;
            while (true)
            {
                var events = await feed.ReadCanonicalAfter(after, ChunkEntries, ct);
                var rows = events.TakeWhile(e => e.Position <= end.Progress)
                    .Select((e, at) => new LogRow(made.Size + at, e.Position, e.Id, e.Canonical, MerkleTree.LeafHash(e.Canonical))).ToList();
                var first = made.Size;
                await shadow.Copy(rows, ct);
                rows.ForEach(row => made.Append(row.Leaf));
                var isLast = rows.Count < ChunkEntries;
                // What the real one has beyond the last event is a difference too.
                var upTo = isLast ? Math.Max(made.Size, end.Entries) : made.Size;
                comparison.Add(await shadow.Compare(first, upTo, ct));
                foreach (var leaf in await log.Leaves(first, Math.Min(upTo, end.Entries), ct))
                    real.Append(leaf);
                progress?.Report(new LogProgress(made.Size, end.Entries, elapsed.Elapsed));
                if (isLast)
                    return comparison.Answer(end.Entries, made, real);
                after = rows[^1].Feed;
            }
        }
    }

    private sealed class Comparison(long begun)
    {
        private long _differences;
        private long? _first;

        public void Add((long Differences, long? First) chunk)
        {
            _differences += chunk.Differences;
            _first ??= chunk.First;
        }

        public RebuiltLog Answer(long entries, MerkleTree made, MerkleTree real) => new(
            entries, _differences == 0 && made.Root().AsSpan().SequenceEqual(real.Root()), _first, _differences,
            Convert.ToHexStringLower(made.Root()), Convert.ToHexStringLower(real.Root()), begun);
    }

    /// <summary>The log made again. It only ever serves to compare, so it need not survive a crash.</summary>
    private sealed class Shadow(NpgsqlConnection connection)
    {
        private const string Columns = "position, event_id, epoch, xact, module, sequence, canonical, leaf";

        public async Task<bool> Lock(CancellationToken ct)
        {
            await using var command = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 8))", connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Name });
            return await command.ExecuteScalarAsync(ct) is true;
        }

        public Task Create(CancellationToken ct) => Execute("""
            set statement_timeout = 0;
            drop table if exists audit.entries_rebuild;
            create unlogged table audit.entries_rebuild (like audit.entries including all)
            """, ct);

        public Task Drop() => connection.State == System.Data.ConnectionState.Open
            ? Execute("drop table if exists audit.entries_rebuild", CancellationToken.None)
            : Task.CompletedTask;

        public async Task Copy(List<LogRow> rows, CancellationToken ct)
        {
            if (rows.Count == 0)
                return;
            await using var writer = await connection.BeginBinaryImportAsync($"copy audit.entries_rebuild ({Columns}) from stdin (format binary)", ct);
            foreach (var row in rows)
            {
                await writer.StartRowAsync(ct);
                await writer.WriteAsync(row.Position, NpgsqlDbType.Bigint, ct);
                await writer.WriteAsync(row.EventId, NpgsqlDbType.Uuid, ct);
                await writer.WriteAsync(row.Feed.Epoch, NpgsqlDbType.Integer, ct);
                await writer.WriteAsync(row.Feed.Transaction, NpgsqlDbType.Xid8, ct);
                await writer.WriteAsync(row.Feed.Module, NpgsqlDbType.Text, ct);
                await writer.WriteAsync(row.Feed.Sequence, NpgsqlDbType.Bigint, ct);
                await writer.WriteAsync(row.Canonical, NpgsqlDbType.Bytea, ct);
                await writer.WriteAsync(row.Leaf, NpgsqlDbType.Bytea, ct);
            }

            await writer.CompleteAsync(ct);
        }

        public async Task<(long Differences, long? First)> Compare(long first, long end, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand($"""
                select count(*), min(position)
                from (select {Columns} from audit.entries where position >= $1 and position < $2) e
                full join (select {Columns} from audit.entries_rebuild where position >= $1 and position < $2) r using (position)
                where (e.event_id, e.epoch, e.xact, e.module, e.sequence, e.canonical, e.leaf)
                    is distinct from (r.event_id, r.epoch, r.xact, r.module, r.sequence, r.canonical, r.leaf)
                """, connection);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
            await using var row = await command.ExecuteReaderAsync(ct);
            await row.ReadAsync(ct);
            return (row.GetInt64(0), await row.IsDBNullAsync(1, ct) ? null : row.GetInt64(1));
        }

        private async Task Execute(string sql, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(ct);
        }
    }
}
