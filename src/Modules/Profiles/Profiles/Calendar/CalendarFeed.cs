using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Modular.Profiles;

/// <summary>
/// The address of somebody's calendar, for programs that cannot sign in: whoever knows it reads it. Stored as a hash only.
/// </summary>
internal static class CalendarFeed
{
    public const string Index = "mt_doc_profile_uidx_feed_hash";

    /// <summary>256 bits.</summary>
    public static string NewToken() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}

/// <summary>The calendar has an address from now on, and no other.</summary>
internal sealed record CalendarFeedOpened(string UserId, string TokenHash, DateTimeOffset At);

internal sealed record CalendarFeedClosed(string UserId, DateTimeOffset At);
