using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Modular.Identity.Contracts;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>A profile with its relations, with its version as the entity tag. What the caller may not see is absent.</summary>
/// <param name="Image">Where the picture is; null: there is none.</param>
internal sealed record ProfileAnswer(
    string UserId,
    string Name,
    string? DisplayName,
    string? Headline,
    string? Biography,
    IReadOnlyList<string> Languages,
    string? TimeZone,
    string? Image,
    string Visibility,
    IReadOnlyList<string> Roles,
    MentorAnswer? Mentor,
    MenteeAnswer? Mentee,
    AvailabilityAnswer? Availability,
    long Version,
    DateTimeOffset? UpdatedAt)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Email { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? EmailVerified { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? CreatedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? LastLoginAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<NextOfficeSession>? NextOfficeSessions { get; init; }

    public static IResult Of(HttpContext context, ProfileAnswer? answer)
    {
        if (answer is null)
            return ProfileStreams.NotFound.ToHttp();
        context.Response.Headers.ETag = $"\"{answer.Version}\"";
        // Somebody else's, once another signs in on this browser.
        context.Response.Headers.CacheControl = "no-store";
        return WireJson.Ok(answer);
    }

    /// <summary>What whoever may see the profile sees.</summary>
    public static ProfileAnswer Shown(Profile profile, PersonFacts person) => new(
        profile.UserId, person.Name, profile.DisplayName, profile.Headline, profile.Biography, profile.Languages, profile.TimeZone,
        profile.Image is { } image ? $"/api/profiles/{profile.UserId}/image?v={image.Hash[..12]}" : null,
        profile.Visibility.ToString().ToLowerInvariant(), person.Role.Split(','), MentorAnswer.Of(profile), MenteeAnswer.Of(profile),
        AvailabilityAnswer.Of(profile), profile.Version, profile.UpdatedAt);

    /// <summary>What they themselves, and those who look after people, see beside it.</summary>
    public ProfileAnswer InFull(PersonFacts person, IReadOnlyDictionary<string, DateTimeOffset> signIns) => this with
    {
        Email = person.Email,
        EmailVerified = person.EmailVerified,
        Status = person.Status,
        CreatedAt = person.CreatedAt,
        LastLoginAt = signIns.TryGetValue(UserId, out var at) ? at : null,
    };
}

/// <summary>An office session to come, as a profile names it.</summary>
internal sealed record NextOfficeSession(string Id, string? MentorId, string? MenteeId, DateTimeOffset StartsAt, DateTimeOffset EndsAt, string Status);
