using Modular.Profiles.Contracts;

namespace Modular.Host.CommandLine;

/// <summary>One step of an office session, when and by whom it was taken.</summary>
internal sealed record StoryStep(DateTimeOffset At, string Actor, SeedOfficeSession Command);

/// <summary>
/// Twenty office sessions in every state, told from one moment: those of the weeks before it are over, those of the weeks
/// after it are still to come.
/// </summary>
internal static class SeedStory
{
    /// <summary>So long before that moment the first one of them had registered.</summary>
    public static readonly TimeSpan Before = TimeSpan.FromDays(40);

    private enum End
    {
        Requested,
        Confirmed,
        Declined,
        WithdrawnByMentee,
        CancelledByMentee,
        CancelledByMentor,
        Completed,
        CompletedWithFeedback,
        CompletedWithOneFeedback,
        MissedByMentee,
        MissedByMentor,
    }

    // The mentor, the mentee, the working day counted from that moment, the hour on the mentor's clock, and how it ended.
    private static readonly (int Mentor, int Mentee, int Day, int Hour, End End, string Topic)[] Sessions =
    [
        (1, 1, -18, 10, End.CompletedWithFeedback, "How do I begin a proof?"),
        (2, 2, -16, 14, End.CompletedWithFeedback, "A grammar for a small language"),
        (3, 3, -15, 9, End.MissedByMentee, "Reading a schematic"),
        (4, 4, -14, 11, End.Completed, "What a signature does not say"),
        (5, 5, -13, 15, End.CompletedWithOneFeedback, "Forms that can be read aloud"),
        (1, 2, -11, 15, End.Declined, "Can I use Haskell for this?"),
        (3, 2, -10, 10, End.CompletedWithFeedback, "C# close to the metal"),
        (2, 1, -9, 11, End.MissedByMentor, "Types of a compiler"),
        (4, 3, -8, 14, End.CancelledByMentee, "Encrypting a column"),
        (5, 4, -6, 10, End.Completed, "Showing findings so that they are fixed"),
        (3, 5, -4, 16, End.CancelledByMentor, "Which machine under my desk?"),
        (1, 3, -3, 9, End.CompletedWithOneFeedback, "Sorting, and when not to"),
        (1, 1, 2, 11, End.Confirmed, "The proof I have begun"),
        (4, 4, 3, 15, End.Confirmed, "Constant time, and how to see it"),
        (2, 2, 4, 10, End.Confirmed, "From syntax to machine code"),
        (5, 5, 4, 14, End.WithdrawnByMentee, "Contrast"),
        (3, 3, 5, 11, End.Requested, "Indexes in PostgreSQL"),
        (4, 1, 6, 10, End.Requested, "Proofs about protocols"),
        (5, 5, 7, 16, End.Requested, "A component that everybody can use"),
        (2, 4, 8, 13, End.Declined, "Reading old code"),
    ];

    public static int Count => Sessions.Length;

    /// <summary>Every step in the order in which they were taken.</summary>
    /// <param name="moment">All of them lie before it.</param>
    /// <param name="people">For the clocks of the mentors.</param>
    public static IReadOnlyList<StoryStep> Steps(DateTimeOffset moment, IReadOnlyList<SeedPerson> people)
    {
        var zones = people.ToDictionary(person => person.UserId, person => TimeZoneInfo.FindSystemTimeZoneById(person.TimeZone));
        return [.. Sessions.SelectMany((session, at) => Tell(session, at, moment, zones[SeedPeople.Mentor(session.Mentor)])).OrderBy(step => step.At)];
    }

    private static IEnumerable<StoryStep> Tell(
        (int Mentor, int Mentee, int Day, int Hour, End End, string Topic) session, int number, DateTimeOffset moment, TimeZoneInfo zone)
    {
        var (mentor, mentee) = (SeedPeople.Mentor(session.Mentor), SeedPeople.Mentee(session.Mentee));
        var startsAt = Start(moment, zone, session.Day, session.Hour);
        // Of one that is still to come all has happened in the days before that moment; nobody asks for more than one a day.
        var asked = startsAt < moment ? startsAt.AddDays(-5) : moment.AddDays(-2).AddMinutes(-60 * (Sessions.Length - number));
        var (answered, ended) = (asked.AddHours(20), startsAt.AddMinutes(50));
        StoryStep Step(DateTimeOffset at, string actor, OfficeSessionStep step, string? text = null, int? rating = null) =>
            new(at, actor, new SeedOfficeSession(mentor, mentee, startsAt, step, text, rating));

        yield return Step(asked, mentee, OfficeSessionStep.Request, session.Topic);
        if (session.End is not (End.Requested or End.Declined or End.WithdrawnByMentee))
            yield return Step(answered, mentor, OfficeSessionStep.Confirm);
        switch (session.End)
        {
            case End.Declined:
                yield return Step(answered, mentor, OfficeSessionStep.Decline, "I am away that week.");
                break;
            case End.WithdrawnByMentee:
                yield return Step(answered, mentee, OfficeSessionStep.Cancel, "I have found it out myself.");
                break;
            case End.CancelledByMentee:
                yield return Step(answered.AddDays(1), mentee, OfficeSessionStep.Cancel, "I have to travel.");
                break;
            case End.CancelledByMentor:
                yield return Step(answered.AddDays(1), mentor, OfficeSessionStep.Cancel, "I am ill, sorry.");
                break;
            case End.MissedByMentee:
                yield return Step(ended, mentor, OfficeSessionStep.MarkMissed);
                break;
            case End.MissedByMentor:
                yield return Step(ended, mentee, OfficeSessionStep.MarkMissed);
                break;
            case End.Completed or End.CompletedWithFeedback or End.CompletedWithOneFeedback:
                yield return Step(ended, mentor, OfficeSessionStep.Complete);
                break;
        }

        if (session.End is End.CompletedWithFeedback or End.CompletedWithOneFeedback)
            yield return Step(ended.AddMinutes(30), mentee, OfficeSessionStep.GiveFeedback, "I know how to go on now. Thank you!", 5);
        if (session.End == End.CompletedWithFeedback)
            yield return Step(ended.AddHours(2), mentor, OfficeSessionStep.GiveFeedback, "Came prepared, and asked the right things.", 4 + (number % 2));
    }

    /// <summary>An hour of a working day on somebody's clock.</summary>
    private static DateTimeOffset Start(DateTimeOffset moment, TimeZoneInfo zone, int workingDays, int hour)
    {
        var day = TimeZoneInfo.ConvertTime(moment, zone).Date;
        for (var left = Math.Abs(workingDays); left > 0;)
        {
            day = day.AddDays(Math.Sign(workingDays));
            left -= day.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 0 : 1;
        }

        var local = day.AddHours(hour);
        return new DateTimeOffset(local, zone.GetUtcOffset(local));
    }
}
