using System.Text.Json.Serialization;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>Who may see a profile.</summary>
internal enum Visibility
{
    /// <summary>Its owner alone; so until they say otherwise.</summary>
    Private,

    /// <summary>Everybody who is signed in.</summary>
    Members,

    /// <summary>Everybody.</summary>
    Public,
}

/// <summary>
/// What a user tells about themselves, and what they are to others: mentor, mentee, or both. Its stream has the user's id as
/// its key: whatever is theirs is in it, and goes with it.
/// </summary>
/// <param name="Version">Of the stream, and so the entity tag; 0: nothing is stored yet.</param>
internal sealed record Profile(
    string UserId,
    long Version,
    string? DisplayName,
    string? Headline,
    string? Biography,
    IReadOnlyList<string> Languages,
    string? TimeZone,
    Visibility Visibility,
    DateTimeOffset? UpdatedAt)
{
    /// <summary>Null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProfileImage? Image { get; init; }

    /// <summary>Null: not one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Mentor? Mentor { get; init; }

    /// <summary>Null: not one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Mentee? Mentee { get; init; }

    /// <summary>When a mentor has time; null: they have not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Availability? Availability { get; init; }

    /// <summary>Of the secret in the address of their calendar; null: it is not published.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? FeedHash { get; init; }

    /// <summary>The entity tag of this version.</summary>
    [JsonIgnore]
    public string Tag => $"\"{Version}\"";

    /// <summary>
    /// The profile of a user whose own has not been opened yet: the message that opens it may be a moment behind the
    /// sign-up, and nobody who has just signed up is told that they do not exist.
    /// </summary>
    public static Profile Unopened(string userId) => new(userId, 0, null, null, null, [], null, Visibility.Private, null);

    public static Profile Create(IEvent<ProfileOpened> e) => Unopened(e.Data.UserId) with { Version = e.Version, UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<ProfileUpdated> e) => this with
    {
        Version = e.Version,
        DisplayName = e.Data.DisplayName,
        Headline = e.Data.Headline,
        Biography = e.Data.Biography,
        Languages = e.Data.Languages ?? [],
        TimeZone = e.Data.TimeZone,
        Visibility = e.Data.Visibility,
        UpdatedAt = e.Data.At,
    };

    public Profile Apply(IEvent<ProfileImageSet> e) => this with { Version = e.Version, Image = ProfileImage.Of(e.Data), UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<ProfileImageRemoved> e) => this with { Version = e.Version, Image = null, UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<MentorDescribed> e) => this with { Version = e.Version, Mentor = Mentor.Of(e.Data), UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<MentorWithdrawn> e) => this with { Version = e.Version, Mentor = null, Availability = null, UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<MenteeDescribed> e) => this with { Version = e.Version, Mentee = Mentee.Of(e.Data), UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<MenteeWithdrawn> e) => this with { Version = e.Version, Mentee = null, UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<AvailabilitySet> e) => this with { Version = e.Version, Availability = Availability.Of(e.Data), UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<CalendarFeedOpened> e) => this with { Version = e.Version, FeedHash = e.Data.TokenHash };

    public Profile Apply(IEvent<CalendarFeedClosed> e) => this with { Version = e.Version, FeedHash = null };

    public bool ShouldDelete(ProfileClosed e) => e.UserId == UserId;
}

/// <summary>Its user is gone.</summary>
internal sealed record ProfileClosed(string UserId, DateTimeOffset At);

/// <summary>Raised when a user registers, or by a first update that comes before that message.</summary>
internal sealed record ProfileOpened(string UserId, DateTimeOffset At);
