using System.Globalization;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>A part of a day on the wall clock, in minutes since midnight; 1440 is the midnight at its end.</summary>
internal sealed record DayPart(int From, int To)
{
    public const int Midnight = 24 * 60;

    /// <summary>Parts that touch are one.</summary>
    public static IReadOnlyList<DayPart> Merged(IEnumerable<DayPart> parts)
    {
        var merged = new List<DayPart>();
        foreach (var part in parts.OrderBy(part => part.From).ThenBy(part => part.To))
        {
            if (merged.Count > 0 && part.From <= merged[^1].To)
                merged[^1] = merged[^1] with { To = Math.Max(merged[^1].To, part.To) };
            else
                merged.Add(part);
        }

        return merged;
    }

    /// <summary><c>09:30</c>; null: no time of day. <c>24:00</c> is one.</summary>
    public static int? Minutes(string? text) => text switch
    {
        "24:00" => Midnight,
        { Length: 5 } when TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) => (time.Hour * 60) + time.Minute,
        _ => null,
    };

    public static string Text(int minutes) => string.Create(CultureInfo.InvariantCulture, $"{minutes / 60:00}:{minutes % 60:00}");
}

/// <summary>Every week on that day.</summary>
internal sealed record WeeklyRule(DayOfWeek Day, DayPart Part);

/// <summary>On these days, first and last included, these parts in the place of the weekly rules; none: not at all.</summary>
internal sealed record DayException(DateOnly From, DateOnly To, IReadOnlyList<DayPart> Parts);

/// <summary>When a mentor has time for office sessions, on the clock of the place where they live.</summary>
/// <param name="TimeZone">A name of the IANA database.</param>
/// <param name="SlotMinutes">How long an office session takes.</param>
/// <param name="Exceptions">No two of them share a day.</param>
internal sealed record Availability(string TimeZone, int SlotMinutes, IReadOnlyList<WeeklyRule> Rules, IReadOnlyList<DayException> Exceptions)
{
    public static readonly int[] SlotLengths = [15, 20, 30, 45, 60, 90, 120];

    public static Availability Of(AvailabilitySet e) => new(e.TimeZone ?? "Etc/UTC", e.SlotMinutes, e.Rules ?? [], e.Exceptions ?? []);

    /// <summary>The parts of a day on which there is time.</summary>
    public IReadOnlyList<DayPart> On(DateOnly day) => DayPart.Merged(
        Exceptions.FirstOrDefault(exception => exception.From <= day && day <= exception.To)?.Parts
        ?? Rules.Where(rule => rule.Day == day.DayOfWeek).Select(rule => rule.Part));

    public bool IsSame(Availability? other) => other is not null && TimeZone == other.TimeZone && SlotMinutes == other.SlotMinutes
        && Rules.SequenceEqual(other.Rules) && Exceptions.Count == other.Exceptions.Count
        && Exceptions.Zip(other.Exceptions).All(pair => pair.First.From == pair.Second.From && pair.First.To == pair.Second.To && pair.First.Parts.SequenceEqual(pair.Second.Parts));
}

/// <summary>The whole of when a mentor has time, from now on. What is agreed already stays.</summary>
internal sealed record AvailabilitySet(
    string UserId,
    [PersonalData] string? TimeZone,
    int SlotMinutes,
    [PersonalData] IReadOnlyList<WeeklyRule>? Rules,
    [PersonalData] IReadOnlyList<DayException>? Exceptions,
    DateTimeOffset At);

internal sealed record AvailabilityAnswer(string TimeZone, int SlotMinutes, IEnumerable<RuleAnswer> Rules, IEnumerable<ExceptionAnswer> Exceptions)
{
    public static AvailabilityAnswer? Of(Profile profile) => profile.Availability is { } availability
        ? new(
            availability.TimeZone, availability.SlotMinutes,
            availability.Rules.Select(rule => new RuleAnswer(rule.Day.ToString().ToLowerInvariant(), DayPart.Text(rule.Part.From), DayPart.Text(rule.Part.To))),
            availability.Exceptions.Select(exception => new ExceptionAnswer(
                exception.From, exception.To, exception.Parts.Select(part => new PartAnswer(DayPart.Text(part.From), DayPart.Text(part.To))))))
        : null;
}

internal sealed record RuleAnswer(string Day, string From, string To);

internal sealed record ExceptionAnswer(DateOnly From, DateOnly To, IEnumerable<PartAnswer> Times);

internal sealed record PartAnswer(string From, string To);
