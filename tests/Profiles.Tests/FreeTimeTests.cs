namespace Modular.Profiles.Tests;

/// <summary>The expansion of weekly rules against the plainest one there is: minute by minute.</summary>
public sealed class FreeTimeTests
{
    private static readonly string[] Zones =
    [
        "Etc/UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe",
        "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "America/St_Johns", "Asia/Tehran", "Africa/Cairo",
    ];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory, MemberData(nameof(Seeds))]
    public void Free_slots_are_those_of_a_calculation_minute_by_minute(int seed)
    {
        var random = new Random(seed);
        var zone = TimeZoneInfo.FindSystemTimeZoneById(Zones[random.Next(Zones.Length)]);
        var availability = Any(random, zone.Id, out var around);
        var from = around.AddMinutes(random.Next(-3 * 1440, 1440));
        var range = new Span(from, from.AddMinutes(random.Next(1, 6 * 1440)));
        List<Span> busy = [.. Enumerable.Range(0, random.Next(6)).Select(_ => from.AddMinutes(random.Next(6 * 1440))).Select(at => new Span(at, at.AddMinutes(random.Next(1, 180))))];
        Assert.Equal(ByMinutes(availability, zone, range, busy), FreeTime.Slots(availability, zone, range, busy));
    }

    [Fact]
    public void A_time_that_the_clock_leaps_over_is_not_offered()
    {
        // On 29 March 2026 at 02:00 it is 03:00 in Berlin.
        var slots = OnSunday(new DateOnly(2026, 3, 29), "01:00", "04:00");
        Assert.Equal(["01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00"], slots);
        Assert.Empty(OnSunday(new DateOnly(2026, 3, 29), "02:00", "03:00"));
    }

    [Fact]
    public void A_time_that_comes_twice_is_offered_twice()
    {
        // On 25 October 2026 at 03:00 it is 02:00 again.
        Assert.Equal(["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00"], OnSunday(new DateOnly(2026, 10, 25), "02:00", "03:00"));
        Assert.Equal(["02:30+02:00", "02:30+01:00"], OnSunday(new DateOnly(2026, 10, 25), "02:30", "03:00"));
    }

    [Fact]
    public void What_is_agreed_moves_no_other_slot()
    {
        var availability = new Availability("Etc/UTC", 30, [new(DayOfWeek.Monday, new(9 * 60, 11 * 60))], []);
        var nine = new DateTimeOffset(2026, 6, 1, 9, 0, 0, TimeSpan.Zero);
        var free = FreeTime.Slots(availability, TimeZoneInfo.Utc, new Span(nine, nine.AddHours(2)), [new Span(nine.AddMinutes(10), nine.AddMinutes(40))]);
        Assert.Equal([nine.AddMinutes(60), nine.AddMinutes(90)], free.Select(slot => slot.From));
    }

    [Fact]
    public void Two_months_of_a_zone_are_quick()
    {
        var availability = new Availability("Europe/Berlin", 15, [.. Enum.GetValues<DayOfWeek>().Select(day => new WeeklyRule(day, new(0, 1440)))], []);
        var from = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(62 * 96, FreeTime.Slots(availability, TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"), new Span(from, from.AddDays(62)), []).Count());
    }

    private static IEnumerable<string> OnSunday(DateOnly day, string from, string to)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        var availability = new Availability(zone.Id, 30, [new(DayOfWeek.Sunday, new(DayPart.Minutes(from)!.Value, DayPart.Minutes(to)!.Value))], []);
        var start = new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).AddHours(-6);
        return FreeTime.Slots(availability, zone, new Span(start, start.AddHours(36)), [])
            .Select(slot => TimeZoneInfo.ConvertTime(slot.From, zone).ToString("HH:mmzzz", System.Globalization.CultureInfo.InvariantCulture));
    }

    private static Availability Any(Random random, string zone, out DateTimeOffset around)
    {
        // Mostly where clocks change: around the changes of 2026 and 2027, else anywhere.
        DateTimeOffset[] changes =
        [
            new(2026, 3, 8, 7, 0, 0, TimeSpan.Zero), new(2026, 3, 29, 1, 0, 0, TimeSpan.Zero), new(2026, 10, 25, 1, 0, 0, TimeSpan.Zero),
            new(2026, 11, 1, 6, 0, 0, TimeSpan.Zero), new(2027, 4, 3, 15, 0, 0, TimeSpan.Zero), new(2026, 10, 3, 15, 30, 0, TimeSpan.Zero),
            new(2026, 2, 15, 2, 0, 0, TimeSpan.Zero), new(2026, 3, 22, 2, 0, 0, TimeSpan.Zero), new(2026, 4, 23, 22, 0, 0, TimeSpan.Zero),
        ];
        around = changes[random.Next(changes.Length)].AddMinutes(random.Next(-120, 120));
        var rules = Enumerable.Range(0, random.Next(1, 12)).Select(_ => new WeeklyRule((DayOfWeek)random.Next(7), AnyPart(random))).ToList();
        var day = DateOnly.FromDateTime(around.UtcDateTime).AddDays(-3);
        var exceptions = new List<DayException>();
        while (random.Next(3) > 0 && exceptions.Count < 4)
        {
            var last = day.AddDays(random.Next(3));
            exceptions.Add(new DayException(day, last, [.. Enumerable.Range(0, random.Next(4)).Select(_ => AnyPart(random))]));
            day = last.AddDays(random.Next(1, 4));
        }

        return new Availability(zone, Availability.SlotLengths[random.Next(Availability.SlotLengths.Length)], rules, exceptions);
    }

    private static DayPart AnyPart(Random random)
    {
        var from = random.Next(0, 1439);
        return new DayPart(from, random.Next(4) == 0 ? 1440 : random.Next(from + 1, 1441));
    }

    // A run of open minutes of one part of one day; slots are cut from its beginning.
    private static List<Span> ByMinutes(Availability availability, TimeZoneInfo zone, Span range, IReadOnlyList<Span> busy)
    {
        var slots = new List<Span>();
        (DateOnly Day, int Part)? run = null;
        var begin = default(DateTimeOffset);
        var first = new DateTimeOffset(range.From.UtcTicks - (range.From.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero).AddDays(-3);
        for (var minute = first; minute <= range.To.AddDays(3); minute = minute.AddMinutes(1))
        {
            var local = minute.UtcDateTime + zone.GetUtcOffset(minute);
            var day = DateOnly.FromDateTime(local);
            var at = (local.Hour * 60) + local.Minute;
            var part = availability.On(day).ToList().FindIndex(part => part.From <= at && at < part.To);
            (DateOnly, int)? now = part < 0 ? null : (day, part);
            if (now == run)
                continue;
            if (run is not null)
                slots.AddRange(Cut(begin, minute, availability.SlotMinutes));
            (run, begin) = (now, minute);
        }

        return [.. slots.Where(slot => slot.From >= range.From && slot.To <= range.To && !busy.Any(slot.Overlaps))];
    }

    private static IEnumerable<Span> Cut(DateTimeOffset from, DateTimeOffset to, int minutes)
    {
        for (var at = from; at.AddMinutes(minutes) <= to; at = at.AddMinutes(minutes))
            yield return new Span(at, at.AddMinutes(minutes));
    }
}
