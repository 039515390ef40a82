using Modular.Store;

namespace Modular.Audit;

/// <summary>Walks over the log and the modules' events side by side: every committed event is in it once, in order, unchanged.</summary>
internal sealed class EventComparison(LogRows log, EventFeed feed)
{
    private const int ChunkEntries = 5_000;

    /// <param name="first">The first position to compare.</param>
    /// <param name="after">The event before it.</param>
    /// <param name="end">How far the log was.</param>
    /// <param name="progress">Told how far it is.</param>
    public async Task<Wrong?> Run(long first, FeedPosition after, LogEnd end, Action<long> progress, CancellationToken ct)
    {
        var position = first;
        var reading = feed.ReadLeavesAfter(after, ChunkEntries, ct);
        while (true)
        {
            var events = await reading;
            // The next chunk is read while this one is compared.
            var isLast = events.Count < ChunkEntries || events[^1].Position > end.Progress;
            reading = isLast ? Task.FromResult<IReadOnlyList<FeedEntry>>([]) : feed.ReadLeavesAfter(events[^1].Position, ChunkEntries, ct);
            var due = events.TakeWhile(e => e.Position <= end.Progress).ToList();
            var rows = await log.Sealed(position, Math.Min(end.Entries, position + due.Count), ct);
            for (var at = 0; at < due.Count; at++, position++)
            {
                if (Problem(position, due[at], at < rows.Count ? rows[at] : null) is not { } problem)
                    continue;
                await reading;
                return new Wrong(position, problem);
            }

            progress(position);
            if (isLast)
                return position < end.Entries ? new Wrong(position, "entry_without_event") : null;
        }
    }

    private static string? Problem(long position, FeedEntry e, SealedRow? row)
    {
        if (row is null || row.Position != position)
            return "entry_missing";
        if (row.Feed != e.Position)
            return row.Feed > e.Position ? "event_missing_from_log" : "entry_without_event";
        if (row.EventId != e.Id)
            return "event_id";
        return row.Leaf.AsSpan().SequenceEqual(e.Canonical) ? null : "canonical_bytes";
    }
}
