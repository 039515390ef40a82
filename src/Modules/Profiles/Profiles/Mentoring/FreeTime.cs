namespace Modular.Profiles;

/// <summary>From an instant up to another, which is not in it.</summary>
internal readonly record struct Span(DateTimeOffset From, DateTimeOffset To)
{
    public bool Overlaps(Span other) => From < other.To && other.From < To;
}

/// <summary>
/// Turns the wall clock of a mentor into instants, purely. An instant is open when the clock shows an open time then: so a time
/// that the clock leaps over in spring is never offered, and one that it shows twice in autumn is offered twice.
/// </summary>
internal static class FreeTime
{
    /// <summary>No two changes of an offset lie closer together.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromHours(6);

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>
    /// Slots that lie wholly in a range and meet nothing that is agreed, in order. They are counted from the beginning of each
    /// part of a day: what is agreed moves none of them.
    /// </summary>
    public static IEnumerable<Span> Slots(Availability availability, TimeZoneInfo zone, Span range, IReadOnlyCollection<Span> busy)
    {
        var length = TimeSpan.FromMinutes(availability.SlotMinutes);
        foreach (var open in Open(availability, zone, range))
        {
            for (var slot = new Span(open.From, open.From + length); slot.To <= open.To; slot = new Span(slot.To, slot.To + length))
            {
                if (slot.From >= range.From && slot.To <= range.To && !busy.Any(slot.Overlaps))
                    yield return slot;
            }
        }
    }

    /// <summary>The parts of every day that a range touches, whole, as instants in order. One that the clock divides is several.</summary>
    public static IEnumerable<Span> Open(Availability availability, TimeZoneInfo zone, Span range)
    {
        // A day of any zone is over within two days of UTC.
        var constant = Constant(zone, Minute(range.From) - (2 * Day), Minute(range.To) + (2 * Day));
        var last = DateOnly.FromDateTime(range.To.UtcDateTime.AddDays(1));
        for (var day = DateOnly.FromDateTime(range.From.UtcDateTime.AddDays(-1)); day <= last; day = day.AddDays(1))
        {
            foreach (var part in availability.On(day))
            {
                foreach (var span in Instants(day, part, constant))
                    yield return span;
            }
        }
    }

    private static List<Span> Instants(DateOnly day, DayPart part, IReadOnlyList<(Span Span, TimeSpan Offset)> constant)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue);
        var found = new List<Span>();
        foreach (var (span, offset) in constant)
        {
            // As long as the offset stays the clock runs like any other.
            var from = Latest(new DateTimeOffset(midnight.AddMinutes(part.From), TimeSpan.Zero) - offset, span.From);
            var to = Earliest(new DateTimeOffset(midnight.AddMinutes(part.To), TimeSpan.Zero) - offset, span.To);
            if (from >= to)
                continue;
            if (found.Count > 0 && found[^1].To == from)
                found[^1] = found[^1] with { To = to };
            else
                found.Add(new Span(from, to));
        }

        return found;
    }

    /// <summary>The spans within which the offset of a zone stays as it is.</summary>
    private static List<(Span Span, TimeSpan Offset)> Constant(TimeZoneInfo zone, DateTimeOffset from, DateTimeOffset to)
    {
        var spans = new List<(Span, TimeSpan)>();
        for (var at = from; at < to;)
        {
            var offset = zone.GetUtcOffset(at);
            var next = at + Step;
            while (next < to && zone.GetUtcOffset(next) == offset)
                next += Step;
            var end = next < to || zone.GetUtcOffset(to) != offset ? Change(zone, Latest(at, next - Step), Earliest(next, to), offset) : to;
            spans.Add((new Span(at, end), offset));
            at = end;
        }

        return spans;
    }

    // The first minute with another offset, between one that has this one and one that has not.
    private static DateTimeOffset Change(TimeZoneInfo zone, DateTimeOffset with, DateTimeOffset without, TimeSpan offset)
    {
        while (without - with > TimeSpan.FromMinutes(1))
        {
            var middle = Minute(with + ((without - with) / 2));
            if (zone.GetUtcOffset(middle) == offset)
                with = middle;
            else
                without = middle;
        }

        return without;
    }

    private static DateTimeOffset Minute(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);

    private static DateTimeOffset Latest(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static DateTimeOffset Earliest(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
