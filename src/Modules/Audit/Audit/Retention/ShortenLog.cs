using MediatR;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// The oldest partition of the log is dropped once its newest entry is older than <c>Audit:Retention</c>; every hour, one at a
/// time. What it proves stays: position, feed coordinates, right edge and root. Answers whether one was.
/// </summary>
internal static partial class ShortenLog
{
    /// <summary>Permanent: stored with the event.</summary>
    internal const string Stream = "audit-log";
    internal const string EventName = "log.shortened.1";

    internal sealed record Command : IRequest<bool>, IIdempotent;

    internal sealed class Handler(
        IDocumentSession store, StoreDatabase database, LogBoundaries boundaries, IOptions<RetentionOptions> options, TimeProvider clock, ILogger<Handler> log)
        : IRequestHandler<Command, bool>
    {
        private const int ChunkLeaves = 20_000;

        public async Task<bool> Handle(Command command, CancellationToken ct)
        {
            if (options.Value.Retention is not { } retention || await boundaries.Next(ct) is not { } next)
                return false;
            var (now, boundary) = (clock.GetUtcNow(), await boundaries.Last(ct));
            if (await Newest(boundary.Position, next.End, ct) is not { } newest || newest > now - retention)
                return false;
            if (await Grown(boundary, next.End, ct) is not { } tree)
                return false;
            var last = await FeedOf(next.End - 1, ct);
            var root = tree.Root();
            store.Events.Append(Stream, new LogShortened(boundary.Position, next.End, Convert.ToHexStringLower(root), newest, now));
            // Readers come between: whoever reads the log for long must not keep everybody else waiting behind us.
            store.QueueSqlCommand("select set_config('lock_timeout', '3s', true)");
            store.QueueOperation(new Boundary(next, last, tree, root, newest, now));
            return true;
        }

        private async Task<MerkleTree?> Grown(LogBoundary boundary, long end, CancellationToken ct)
        {
            var tree = boundary.Tree();
            while (tree.Size < end)
            {
                await using var command = database.Pooled.CreateCommand(
                    $"select position, leaf from audit.entries where position >= $1 and position < $2 order by position limit {ChunkLeaves}");
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = tree.Size });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
                await using var row = await command.ExecuteReaderAsync(ct);
                var before = tree.Size;
                while (await row.ReadAsync(ct) && row.GetInt64(0) == tree.Size)
                    tree.Append(row.GetFieldValue<byte[]>(1));
                if (tree.Size < Math.Min(end, before + ChunkLeaves))
                {
                    Hole(log, tree.Size);
                    return null;
                }
            }

            return tree;
        }

        private async Task<DateTimeOffset?> Newest(long first, long end, CancellationToken ct)
        {
            await using var command = database.Direct.CreateCommand("select max(time) from audit.search where position >= $1 and position < $2 having count(*) = $2 - $1");
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = end });
            return await command.ExecuteScalarAsync(ct) is DateTime newest ? new DateTimeOffset(newest, TimeSpan.Zero) : null;
        }

        private async Task<FeedPosition> FeedOf(long position, CancellationToken ct)
        {
            await using var command = database.Pooled.CreateCommand("select epoch, xact, module, sequence from audit.entries where position = $1");
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
            await using var row = await command.ExecuteReaderAsync(ct);
            await row.ReadAsync(ct);
            return new FeedPosition(row.GetInt32(0), row.GetFieldValue<ulong>(1), row.GetString(2), row.GetInt64(3));
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit log has a hole at position {Position}: nothing is dropped. Run 'audit verify'")]
    private static partial void Hole(ILogger log, long position);

    // Two nodes at once: the second finds the boundary there, and nothing of it is stored.
    private sealed class Boundary(
        (long Number, long End) next, FeedPosition last, MerkleTree tree, byte[] root, DateTimeOffset newest, DateTimeOffset now) : IStorageOperation
    {
        public void Write(StoreBatch batch)
        {
            batch.Sql("insert into audit.boundaries (position, epoch, xact, module, sequence, edge, root, newest, dropped_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
                .With(next.End)
                .With(last.Epoch)
                .With(last.Transaction, NpgsqlDbType.Xid8)
                .With(last.Module)
                .With(last.Sequence)
                .With(tree.RightEdge.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bytea)
                .With(root, NpgsqlDbType.Bytea)
                .With(newest)
                .With(now);
            batch.Sql("select audit.drop_partition($1)").With(next.Number);
        }

        public Exception? Explain(PostgresException failure) => null;
    }
}

/// <summary>Entries were dropped because of their age; what they prove stays.</summary>
/// <param name="First">The first position that was dropped.</param>
/// <param name="End">Where the log begins now.</param>
/// <param name="Root">Of the tree over all entries before, in lower-case hex.</param>
/// <param name="Newest">The time of the newest that was dropped.</param>
internal sealed record LogShortened(long First, long End, string Root, DateTimeOffset Newest, DateTimeOffset At);
