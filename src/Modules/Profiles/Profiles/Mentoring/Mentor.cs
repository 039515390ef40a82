using System.Globalization;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>What a mentor tells about themselves, to everybody who is signed in.</summary>
/// <param name="Capacity">Most office sessions that are asked for or agreed and not over.</param>
/// <param name="Accepts">Whether new ones may be asked for.</param>
/// <param name="Tags">What a search may ask for: of every expertise, the <see cref="Expertise.Keys"/>.</param>
/// <param name="Speaks">The languages, in lower case, with and without region.</param>
internal sealed record Mentor(
    string? Biography, IReadOnlyList<Expertise> Expertise, IReadOnlyList<string> Languages, int Capacity, bool Accepts, DateTimeOffset Since,
    IReadOnlyList<string> Tags, IReadOnlyList<string> Speaks)
{
    public const int MostCapacity = 1000;

    // What is searched for; the mentors are few among the profiles.
    public const string Indexes = """
        create index mt_doc_profile_idx_mentor_tags on {schema}.mt_doc_profile using gin ((data -> 'mentor' -> 'tags') jsonb_path_ops);
        create index mt_doc_profile_idx_mentors on {schema}.mt_doc_profile (id) where data -> 'mentor' is not null;
        """;

    public static Mentor Of(MentorDescribed e) => new(
        e.Biography, e.Expertise ?? [], e.Languages ?? [], e.Capacity, e.Accepts, e.Since,
        [.. (e.Expertise ?? []).SelectMany(expertise => expertise.Keys).Order(StringComparer.Ordinal)],
        [.. (e.Languages ?? []).SelectMany(Spoken).Distinct().Order(StringComparer.Ordinal)]);

    /// <summary>Who speaks <c>pt-BR</c> speaks <c>pt</c>.</summary>
    public static IEnumerable<string> Spoken(string language)
    {
        var lower = language.ToLower(CultureInfo.InvariantCulture);
        return [lower, lower.Split('-')[0]];
    }
}

/// <summary>The whole of what a mentor tells, as it is from now on.</summary>
internal sealed record MentorDescribed(
    string UserId,
    [PersonalData] string? Biography,
    [PersonalData] IReadOnlyList<Expertise>? Expertise,
    [PersonalData] IReadOnlyList<string>? Languages,
    int Capacity,
    bool Accepts,
    DateTimeOffset Since,
    DateTimeOffset At);

/// <summary>They are no mentor any more.</summary>
internal sealed record MentorWithdrawn(string UserId, DateTimeOffset At);

/// <summary>A mentor as everybody who is signed in sees them.</summary>
internal sealed record MentorAnswer(string? Biography, IEnumerable<ExpertiseAnswer> Expertise, IReadOnlyList<string> Languages, int Capacity, bool Accepts, DateTimeOffset Since)
{
    public static MentorAnswer? Of(Profile profile) => profile.Mentor is { } mentor
        ? new(
            mentor.Biography, mentor.Expertise.Select(expertise => new ExpertiseAnswer(expertise.Tag, expertise.Level.ToString().ToLowerInvariant())),
            mentor.Languages, mentor.Capacity, mentor.Accepts, mentor.Since)
        : null;
}

internal sealed record ExpertiseAnswer(string Tag, string Level);
