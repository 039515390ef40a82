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

/// <summary>What a user tells about themselves. Its stream has the user's id as its key.</summary>
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
    /// <summary>The entity tag of this version.</summary>
    [JsonIgnore]
    public string Tag => $"\"{Version}\"";

    /// <summary>
    /// The profile of a user whose own has not been opened yet: the message that opens it may be a moment behind the
    /// sign-up, and nobody who has just signed up is told that they do not exist.
    /// </summary>
    public static Profile Unopened(string userId) => new(userId, 0, null, null, null, [], null, Visibility.Private, null);

    public static Profile Create(IEvent<ProfileOpened> e) => Unopened(e.Data.UserId) with { Version = e.Version, UpdatedAt = e.Data.At };

    public Profile Apply(IEvent<ProfileUpdated> e) => new(
        UserId, e.Version, e.Data.DisplayName, e.Data.Headline, e.Data.Biography, e.Data.Languages ?? [], e.Data.TimeZone,
        e.Data.Visibility, e.Data.At);

    public bool ShouldDelete(ProfileClosed e) => e.UserId == UserId;
}

/// <summary>Its user is gone.</summary>
internal sealed record ProfileClosed(string UserId, DateTimeOffset At);

/// <summary>Raised when a user registers, or by a first update that comes before that message.</summary>
internal sealed record ProfileOpened(string UserId, DateTimeOffset At);
