using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>Whom a look into the past is about, as it was written.</summary>
/// <param name="User">One user's id; nothing: everybody.</param>
/// <param name="After">What the page before has called <c>next</c>.</param>
internal sealed record PastRange([FromQuery] string? User = null, [FromQuery] string? After = null, [FromQuery] string? Limit = null)
{
    public const int MostUsers = 100;

    private const int UsualUsers = 20;

    private static readonly Refusal InvalidLimit = Refusal.BadRequest("invalid_limit", $"A limit is a whole number from 1 to {MostUsers}");
    private static readonly Refusal InvalidUser = Refusal.BadRequest("invalid_user", "Not the id of a user");
    private static readonly Refusal NoTime = Refusal.BadRequest("invalid_time", "A time is written as in 2026-01-31T12:00:00Z");
    private static readonly Refusal InFuture = Refusal.BadRequest("time_in_future", "Nobody knows yet what will be then");

    /// <summary>At most so many users a page.</summary>
    public Outcome<int> ReadLimit()
    {
        if (User?.Length > SearchRow.LongestValue || After?.Length > SearchRow.LongestValue || User?.Any(char.IsControl) == true || After?.Any(char.IsControl) == true)
            return InvalidUser;
        if (string.IsNullOrEmpty(Limit))
            return UsualUsers;
        return int.TryParse(Limit, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= MostUsers ? limit : InvalidLimit;
    }

    /// <summary>A time that has been.</summary>
    public static Outcome<DateTimeOffset> ReadTime(string? text, DateTimeOffset now)
    {
        if (!EntryBounds.TryTime(text, out var time) || time is not { } at)
            return NoTime;
        return at <= now ? at : InFuture;
    }
}
