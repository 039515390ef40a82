using System.Text.RegularExpressions;

namespace Modular.Profiles;

/// <summary>What the texts of a profile may be.</summary>
internal static partial class ProfileText
{
    /// <summary>PostgreSQL cannot store NUL, and no person typed it.</summary>
    public static bool IsStorable(string? text) => text?.Contains('\0') != true;

    /// <summary>Well-formed by BCP 47 (RFC 5646 §2.1), grandfathered and private tags aside; not looked up in the registry.</summary>
    public static bool IsLanguageTag(string? text) => text is { Length: <= 35 } && LanguageTag().IsMatch(text);

    /// <summary>A name of the IANA database, as far as this machine's copy knows it.</summary>
    public static bool IsTimeZone(string text) =>
        ZoneName().IsMatch(text) && TimeZoneInfo.TryFindSystemTimeZoneById(text, out var zone) && zone.HasIanaId;

    [GeneratedRegex(
        @"^([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[0-9a-wy-z](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex LanguageTag();

    // Names become paths below the zone directory.
    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z0-9+_-]+){0,2}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex ZoneName();
}
