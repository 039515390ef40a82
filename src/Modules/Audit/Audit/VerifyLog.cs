using System.Diagnostics;
using MediatR;
using Modular.Audit.Contracts;

namespace Modular.Audit;

/// <summary>
/// Checks the log while requests are served: every hash made again, beside the tiles, the modules' events, and the
/// checkpoints, those of the database and those that an auditor kept: <c>audit verify</c>.
/// </summary>
internal static class VerifyLog
{
    internal sealed class Handler(
        LogRows rows, LogScan scan, LogTree tree, EventComparison events, CheckpointHistory history, LogKeys keys, KeyHistory trust,
        LogBoundaries boundaries, BoundaryCheck beginning)
        : IRequestHandler<Contracts.VerifyLog, VerifiedLog>
    {
        public async Task<VerifiedLog> Handle(Contracts.VerifyLog request, CancellationToken cancellationToken)
        {
            // What was dropped cannot be read: the tree goes on from its right edge.
            var boundary = await boundaries.Last(cancellationToken);
            var found = await beginning.Run(boundary, cancellationToken) is { } moved
                ? new VerifiedLog(
                    moved.Position, moved.Position, moved.Problem, Convert.ToHexStringLower(await tree.Root(moved.Position, cancellationToken) ?? new MerkleTree().Root()),
                    boundary.Position > moved.Position ? boundary.Position : null)
                : await Check(request, boundary, cancellationToken);
            return found with { First = boundary.Position, KeysGiven = request.Keys is { Count: > 0 } };
        }

        private async Task<VerifiedLog> Check(Contracts.VerifyLog request, LogBoundary boundary, CancellationToken cancellationToken)
        {
            // Checkpoints first: what is signed is in the log by then.
            var stored = await history.Read(cancellationToken);
            var outside = request.Checkpoints?.Select(Outside).ToList() ?? [];
            var identity = await keys.Known(cancellationToken);
            var trusted = await trust.Read(identity, [.. request.Keys?.Select(Trusted) ?? []], boundary, cancellationToken);

            var end = await rows.End(cancellationToken);
            var steps = new Steps(request.Progress, end.Entries);
            var kept = stored.Select(pair => pair.Kept).OfType<KeptCheckpoint>().Concat(outside).ToList();
            var sizes = kept.Select(checkpoint => checkpoint.Checkpoint.Size).Distinct().Order().ToList();
            var comparing = events.Run(boundary.Position, boundary.Feed, end, steps.Compared, cancellationToken);
            var log = await scan.Run(boundary.Position, end, sizes, steps.Scanned, cancellationToken);
            if (boundary.Position > 0)
                log = log with { Roots = await WithEarlier(log.Roots, sizes, boundary, cancellationToken) };
            var ofEvents = await comparing;

            // Of two the first position counts; of two at the same position what the log itself shows.
            if (log.Wrong is { } wrong && !(ofEvents?.Position < wrong.Position))
                return await Answer(log, boundary, wrong, null, cancellationToken);
            if (ofEvents is not null)
                return await Answer(log, boundary, ofEvents, null, cancellationToken);
            // A checkpoint only says between which positions something is wrong.
            if (stored.Where(pair => pair.Kept is null).Select(pair => (long?)pair.Size).FirstOrDefault() is { } spoilt)
                return await Answer(log, boundary, new Wrong(Math.Min(spoilt, log.End), "checkpoint"), spoilt, cancellationToken);
            var (contradicted, before) = CheckpointHistory.Compare(kept, trusted, identity?.Origin, log);
            if (contradicted is not null)
                return await Answer(log, boundary, contradicted, before, cancellationToken);
            return new VerifiedLog(log.End, null, null, Convert.ToHexStringLower(log.Root), Checkpoints: kept.Count, VouchedFor: sizes.LastOrDefault());
        }

        private async Task<VerifiedLog> Answer(ScannedLog log, LogBoundary boundary, Wrong wrong, long? before, CancellationToken ct) => new(
            wrong.Position, wrong.Position, wrong.Problem, Convert.ToHexStringLower(await RootBefore(log, boundary, wrong.Position, ct)), before);

        private async Task<byte[]> RootBefore(ScannedLog log, LogBoundary boundary, long position, CancellationToken ct)
        {
            if (log.Wrong is null && position == log.End)
                return log.Root;
            const int ChunkLeaves = 20_000;
            var grown = boundary.Tree();
            while (grown.Size < position)
            {
                var leaves = await rows.Leaves(grown.Size, Math.Min(position, grown.Size + ChunkLeaves), ct);
                if (leaves.Count == 0)
                    break;
                leaves.ForEach(grown.Append);
            }

            return grown.Root();
        }

        // Of sizes whose entries were dropped, tiles tell the root.
        private async Task<IReadOnlyDictionary<long, byte[]>> WithEarlier(
            IReadOnlyDictionary<long, byte[]> roots, IReadOnlyList<long> sizes, LogBoundary boundary, CancellationToken ct)
        {
            var all = new Dictionary<long, byte[]>(roots);
            foreach (var size in sizes.Where(size => size <= boundary.Position))
            {
                if (await tree.Root(size, ct) is { } root)
                    all[size] = root;
            }

            return all;
        }

        private static KeptCheckpoint Outside(string text) =>
            SignedNote.Read(text) is { } note && Checkpoint.Read(note.Text) is { } checkpoint
                ? new KeptCheckpoint(checkpoint, note, IsOutside: true)
                : throw new InvalidOperationException("The checkpoint that was kept is no signed checkpoint.");

        private static NoteKey Trusted(string text) => NoteKey.Read(text)
            ?? throw new InvalidOperationException($"'{text}' is no key of a log (name+id+base64).");
    }

    // Two walks at once: the slower one tells how far it is.
    private sealed class Steps(IProgress<LogProgress>? progress, long total)
    {
        private readonly Stopwatch _elapsed = Stopwatch.StartNew();
        private long _scanned;
        private long _compared;

        public void Scanned(long position) => Report(ref _scanned, position);

        public void Compared(long position) => Report(ref _compared, position);

        private void Report(ref long walk, long position)
        {
            Volatile.Write(ref walk, position);
            progress?.Report(new LogProgress(Math.Min(Volatile.Read(ref _scanned), Volatile.Read(ref _compared)), total, _elapsed.Elapsed));
        }
    }
}
