using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>
/// Where a page lies: right before a position (into the past), right after one (towards now), or at the newest entry.
/// Positions never change and nothing comes in between, so pages neither skip nor repeat while entries arrive.
/// </summary>
/// <param name="Counts">Whether all that pass the filter are counted too.</param>
internal sealed record EntryCursor(long? Before, long? After, int Limit, bool Counts = false)
{
    public bool IsForward => After is not null && Before is null;

    /// <summary>What the page shows of what was read, and the cursor of the page behind it in the same direction.</summary>
    public EntryPage PageOf(IReadOnlyList<Entry> read)
    {
        if (read.Count <= Limit)
            return new EntryPage(read, null);
        return IsForward
            ? new EntryPage([.. read.Skip(1)], read[1].Position)
            : new EntryPage([.. read.Take(Limit)], read[Limit - 1].Position);
    }
}

/// <summary>A page of entries, newest first.</summary>
internal sealed record EntryPage(IReadOnlyList<Entry> Entries, long? Next)
{
    /// <summary>How many pass the filter, on all pages; null: nobody asked.</summary>
    public EntryCount? Count { get; init; }
}

/// <param name="Entries">How many; where it is capped there are more.</param>
internal sealed record EntryCount(long Entries, bool IsCapped);

/// <summary>Where a page lies, as it was written.</summary>
internal sealed record EntryPlace(
    [FromQuery] string? Before = null, [FromQuery] string? After = null, [FromQuery] string? Limit = null, [FromQuery] string? Count = null);

/// <summary>Positions, times and limits as they are written in a query string. Absent is null, wrong is false.</summary>
internal static partial class EntryBounds
{
    private const int MostEntries = 200;
    private const int UsualEntries = 50;

    public static readonly Refusal InvalidCursor = Refusal.BadRequest("invalid_cursor", "A cursor is a position: a whole number from 0");
    public static readonly Refusal InvalidTime = Refusal.BadRequest("invalid_time", "A time is written as in 2026-01-31T12:00:00Z");
    public static readonly Refusal InvalidCount = Refusal.BadRequest("invalid_count", "count is true or false");
    public static readonly Refusal InvalidLimit = Refusal.BadRequest("invalid_limit", $"A limit is a whole number from 1 to {MostEntries}");

    public static Outcome<EntryCursor> Cursor(EntryPlace place)
    {
        var (before, after, limit, count) = place;
        if (count is not (null or "" or "true" or "false"))
            return InvalidCount;
        if (!TryPosition(before, out var end) || !TryPosition(after, out var start))
            return InvalidCursor;
        return TryLimit(limit, out var entries) ? new EntryCursor(end, start, entries, count == "true") : InvalidLimit;
    }

    public static bool TryPosition(string? text, out long? position)
    {
        var isNumber = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number < long.MaxValue;
        position = isNumber ? number : null;
        return isNumber || string.IsNullOrEmpty(text);
    }

    /// <summary>ISO 8601; a time without a zone is UTC, a day is its first moment.</summary>
    public static bool TryTime(string? text, out DateTimeOffset? time)
    {
        time = null;
        if (string.IsNullOrEmpty(text))
            return true;
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!IsoTime().IsMatch(text) || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, Utc, out var parsed))
            return false;
        time = parsed;
        return true;
    }

    private static bool TryLimit(string? text, out int limit)
    {
        limit = UsualEntries;
        return string.IsNullOrEmpty(text)
            || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MostEntries);
    }

    [GeneratedRegex(@"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2})?)?$", RegexOptions.CultureInvariant)]
    private static partial Regex IsoTime();
}
