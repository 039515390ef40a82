using MediatR;
using Modular.Identity.Contracts;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>
/// Mentors as they are at this moment: whoever tells something as a mentor, still has the role, and is active.
/// </summary>
internal sealed class Mentors(IQuerySession store, IMediator mediator)
{
    public static readonly Refusal NotFound = Refusal.NotFound("mentor_not_found", "There is no such mentor");

    public async Task<Profile?> Find(string userId, CancellationToken ct) =>
        await store.LoadAsync<Profile>(userId, ct) is { Mentor: not null } profile && (await Active([profile], ct)).Count == 1 ? profile : null;

    public async Task<IReadOnlyList<(Profile Profile, PersonFacts Person)>> Active(IReadOnlyList<Profile> profiles, CancellationToken ct)
    {
        var people = (await mediator.Send(new DescribePeople([.. profiles.Select(profile => profile.UserId)]), ct)).ToDictionary(person => person.UserId);
        return
        [
            .. profiles.Where(profile => people.TryGetValue(profile.UserId, out var person) && person.Status == "active" && person.Role.Split(',').Contains("mentor"))
                .Select(profile => (profile, people[profile.UserId])),
        ];
    }

    /// <summary>When people are taken, by what is asked for and what is agreed.</summary>
    public async Task<ILookup<string, Span>> Busy(IReadOnlyCollection<string> userIds, Span range, CancellationToken ct)
    {
        string[] ids = [.. userIds];
        var sessions = await store.QueryAsync<OfficeSession>(
            "where (d.mentor_id = any(?) or d.mentee_id = any(?)) and d.starts_at < ? and d.ends_at > ? and d.status in ('Requested', 'Confirmed')",
            ct, ids, ids, range.To, range.From);
        return sessions
            .SelectMany(session => new[] { session.MentorId, session.MenteeId }.OfType<string>().Select(id => (id, new Span(session.StartsAt, session.EndsAt))))
            .ToLookup(taken => taken.id, taken => taken.Item2);
    }

    /// <summary>The slots in a range that may still be asked for.</summary>
    public static IEnumerable<Span> Free(Profile mentor, Span range, IEnumerable<Span> busy) =>
        mentor is { Mentor.Accepts: true, Availability: { } availability } && TimeZoneInfo.TryFindSystemTimeZoneById(availability.TimeZone, out var zone)
            ? FreeTime.Slots(availability, zone, range, [.. busy])
            : [];
}

/// <summary>A mentor as everybody who is signed in finds them.</summary>
internal sealed record MentorCard(
    string UserId, string Name, string? Headline, string? Image, MentorAnswer Mentor, AvailabilityAnswer? Availability, DateTimeOffset? NextFreeSlot)
{
    public static MentorCard Of(Profile profile, PersonFacts person, Span? free) => new(
        profile.UserId, profile.DisplayName ?? person.Name, profile.Headline,
        profile.Image is { } image ? $"/api/profiles/{profile.UserId}/image?v={image.Hash[..12]}" : null,
        MentorAnswer.Of(profile)!, AvailabilityAnswer.Of(profile), free?.From);
}

/// <summary>A range of time in a query string.</summary>
internal static class TimeRange
{
    public static readonly TimeSpan Longest = TimeSpan.FromDays(62);

    private static readonly string[] Formats =
    [
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
    ];

    /// <summary>ISO 8601 with a zone; a zone-less time is none, since nobody knows whose clock it is of.</summary>
    public static DateTimeOffset? Instant(string? text) =>
        text is { Length: > 5 and < 40 } && (text.EndsWith('Z') || text[^6] is '+' or '-')
        && DateTimeOffset.TryParseExact(text, Formats, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AdjustToUniversal, out var at)
        && at.Year is >= 2000 and <= 2200
            ? at
            : null;

    /// <summary>What is wrong with a range, naming each field; null: nothing.</summary>
    public static Refusal? Wrong(string? from, string? to)
    {
        var errors = new List<FieldError>();
        if (Instant(from) is not { } start)
            errors.Add(new("from", "A time such as 2026-01-31T12:00:00Z, from the year 2000 on.", "query"));
        else if (Instant(to) is { } end && (end <= start || end - start > Longest))
            errors.Add(new("to", $"After from, and at most {Longest.TotalDays:0} days.", "query"));
        if (Instant(to) is null)
            errors.Add(new("to", "A time such as 2026-01-31T12:00:00Z, from the year 2000 on.", "query"));
        return errors.Count == 0 ? null : Refusal.Invalid(errors);
    }
}
