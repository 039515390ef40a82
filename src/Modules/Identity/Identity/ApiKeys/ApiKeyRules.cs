using System.Text.Json;
using System.Text.RegularExpressions;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>What may be said of a key, and how the wire refuses the rest (contract §7.11).</summary>
internal static partial class ApiKeyRules
{
    public const int LongestName = 32;

    /// <summary>Metadata and permissions are in one event of 60 KiB.</summary>
    public const int MostJsonBytes = 8 * 1024;

    public static readonly TimeSpan LongestTime = TimeSpan.FromDays(3650);

    internal static readonly Refusal Unauthorized = Refusal.Unauthorized("UNAUTHORIZED_SESSION", "Unauthorized or invalid session");
    internal static readonly Refusal NotFound = Refusal.NotFound("KEY_NOT_FOUND", "API Key not found");
    internal static readonly Refusal ServerOnly = Refusal.BadRequest(
        "SERVER_ONLY_PROPERTY", "The property you're trying to set can only be set from the server auth instance only.");
    internal static readonly Refusal NameLength = Refusal.BadRequest("INVALID_NAME_LENGTH", "The name length is either too large or too small.");
    internal static readonly Refusal PrefixLength = Refusal.BadRequest("INVALID_PREFIX_LENGTH", "The prefix length is either too large or too small.");
    internal static readonly Refusal MetadataType = Refusal.BadRequest("INVALID_METADATA_TYPE", "metadata must be an object or undefined");
    internal static readonly Refusal TooSoon = Refusal.BadRequest("EXPIRES_IN_IS_TOO_SMALL", "The expiresIn is smaller than the predefined minimum value.");
    internal static readonly Refusal TooLate = Refusal.BadRequest("EXPIRES_IN_IS_TOO_LARGE", "The expiresIn is larger than the predefined maximum value.");
    internal static readonly Refusal NoOrganizations = Refusal.BadRequest(
        "ORGANIZATION_PLUGIN_REQUIRED",
        "Organization plugin is required for organization-owned API keys. Please install and configure the organization plugin.");

    private static readonly string[] ServerNumbers = ["refillAmount", "refillInterval", "rateLimitTimeWindow", "rateLimitMax"];

    private static readonly TimeSpan Soonest = TimeSpan.FromDays(1);
    private static readonly TimeSpan Latest = TimeSpan.FromDays(365);

    /// <summary>The members that a user may not set; whether one is there.</summary>
    public static bool ReadServerOnly(WireBody body)
    {
        foreach (var name in ServerNumbers)
            body.OptionalNumber(name);
        body.OptionalBool("rateLimitEnabled");
        return body.NullableNumber("remaining").Value is not null
            || ServerNumbers.Append("rateLimitEnabled").Append("permissions").Any(name => body.Member(name) is not null);
    }

    /// <summary>Seconds until a key expires; null: never.</summary>
    public static WireValue<double?> ReadExpiresIn(WireBody body)
    {
        var seconds = body.NullableNumber("expiresIn");
        if (seconds.Value < 1)
            body.Fail("expiresIn", "Too small: expected number to be >=1");
        return seconds;
    }

    public static string? ReadPrefix(WireBody body)
    {
        var prefix = body.OptionalString("prefix");
        if (prefix is not null && !IsPrefix(prefix))
            body.Fail("prefix", "Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.");
        return prefix;
    }

    /// <summary>Whatever was sent; null when absent.</summary>
    public static JsonElement? ReadMetadata(WireBody body)
    {
        var metadata = body.Member("metadata");
        if (metadata?.GetRawText() is { } text && (!UserLimits.Fits(text, MostJsonBytes) || text.Contains("\\u0000", StringComparison.Ordinal)))
            body.Fail("metadata", $"Too big: expected JSON of <={MostJsonBytes} bytes without NUL characters");
        return metadata;
    }

    public static bool IsPrefix(string text) => PrefixPattern().IsMatch(text);

    /// <summary>What is wrong with the time a key is to live; contract: 1 to 365 days.</summary>
    public static Refusal? CheckExpiry(double? seconds) => seconds switch
    {
        null => null,
        _ when seconds < Soonest.TotalSeconds => TooSoon,
        _ when seconds > Latest.TotalSeconds => TooLate,
        _ => null,
    };

    public static DateTimeOffset? Expiry(double? seconds, DateTimeOffset now) => seconds is { } life ? now.AddMilliseconds(Math.Floor(life * 1000)) : null;

    [GeneratedRegex(@"^[a-zA-Z0-9_-]+\z")]
    private static partial Regex PrefixPattern();
}
