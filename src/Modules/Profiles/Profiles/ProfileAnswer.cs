using Microsoft.AspNetCore.Http;
using Modular.Kernel;

namespace Modular.Profiles;

/// <summary>A profile as its owner sees it, with its version as the entity tag.</summary>
internal sealed record ProfileAnswer(
    string UserId,
    string? DisplayName,
    string? Headline,
    string? Biography,
    IReadOnlyList<string> Languages,
    string? TimeZone,
    string Visibility,
    long Version,
    DateTimeOffset? UpdatedAt)
{
    public static IResult Of(HttpContext context, Profile profile)
    {
        context.Response.Headers.ETag = profile.Tag;
        // Somebody else's, once another signs in on this browser.
        context.Response.Headers.CacheControl = "no-store";
        return WireJson.Ok(new ProfileAnswer(
            profile.UserId, profile.DisplayName, profile.Headline, profile.Biography, profile.Languages, profile.TimeZone,
            profile.Visibility.ToString().ToLowerInvariant(), profile.Version, profile.UpdatedAt));
    }
}
