using System.Diagnostics;
using MediatR;
using Modular.Audit.Contracts;
using Modular.Store;

namespace Modular.Audit;

/// <summary>
/// Checks the log beside the modules' events, entry by entry, while requests are served: <c>audit verify</c>.
/// </summary>
internal static class VerifyLog
{
    internal sealed class Handler(LogRows log, EventFeed feed) : IRequestHandler<Contracts.VerifyLog, VerifiedLog>
    {
        private const int ChunkEntries = 2_000;

        public async Task<VerifiedLog> Handle(Contracts.VerifyLog request, CancellationToken cancellationToken)
        {
            var end = await log.End(cancellationToken);
            var elapsed = Stopwatch.StartNew();
            var tree = new MerkleTree();
            var after = FeedPosition.Start;
            while (true)
            {
                var events = await feed.ReadCanonicalAfter(after, ChunkEntries, cancellationToken);
                var due = events.TakeWhile(e => e.Position <= end.Progress).ToList();
                var rows = await log.Between(tree.Size, Math.Min(end.Entries, tree.Size + due.Count), cancellationToken);
                if (Check(tree, due, rows) is { } problem)
                    return Answer(tree, problem);
                request.Progress?.Report(new LogProgress(tree.Size, end.Entries, elapsed.Elapsed));
                if (due.Count < ChunkEntries)
                    return Answer(tree, tree.Size < end.Entries ? "entry_without_event" : null);
                after = due[^1].Position;
            }
        }

        private static VerifiedLog Answer(MerkleTree tree, string? problem) => new(
            tree.Size, problem is null ? null : tree.Size, problem, Convert.ToHexStringLower(tree.Root()));
    }

    /// <summary>Adds what is right to the tree; returns what is wrong with the entry that would be next.</summary>
    internal static string? Check(MerkleTree tree, IReadOnlyList<FeedEntry> events, IReadOnlyList<LogRow> rows)
    {
        for (var at = 0; at < events.Count; at++)
        {
            var row = at < rows.Count ? rows[at] : null;
            if (Problem(tree.Size, events[at], row) is { } problem)
                return problem;
            tree.Append(row!.Leaf);
        }

        return null;
    }

    private static string? Problem(long position, FeedEntry e, LogRow? row)
    {
        if (row is null || row.Position != position)
            return "entry_missing";
        if (!MerkleTree.LeafHash(row.Canonical).AsSpan().SequenceEqual(row.Leaf))
            return "leaf_hash";
        if (row.Feed != e.Position)
            return row.Feed > e.Position ? "event_missing_from_log" : "entry_without_event";
        if (row.EventId != e.Id)
            return "event_id";
        return row.Canonical.AsSpan().SequenceEqual(e.Canonical) ? null : "canonical_bytes";
    }
}
