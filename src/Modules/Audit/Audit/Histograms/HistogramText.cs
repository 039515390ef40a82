using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>The buckets that are wanted, as they were written.</summary>
/// <param name="Interval"><c>minute</c>, <c>5m</c>, <c>15m</c>, <c>hour</c>, <c>6h</c>, <c>day</c>, <c>week</c> or <c>month</c>; nothing: what gives about fifty.</param>
/// <param name="Zone">An IANA time zone, in which days begin; nothing: UTC.</param>
/// <param name="By"><c>module</c>, <c>type</c> or <c>outcome</c>; nothing: all in one.</param>
internal sealed partial record HistogramText([FromQuery] string? Interval = null, [FromQuery] string? Zone = null, [FromQuery] string? By = null)
{
    public const int MostBuckets = 1_000;

    private const int WantedBuckets = 50;

    public static readonly Refusal InvalidRange = Refusal.BadRequest("invalid_range", "The end of the range has to come after its beginning, from the year 2000 to 2999");
    public static readonly Refusal TooManyBuckets = Refusal.BadRequest("too_many_buckets", $"A histogram has at most {MostBuckets} buckets; a longer interval or a shorter range gives fewer");
    public static readonly Refusal InvalidZone = Refusal.BadRequest("invalid_zone", "A zone is UTC or an IANA time zone such as Europe/Berlin");
    private static readonly Refusal InvalidInterval = Refusal.BadRequest("invalid_interval", "An interval is minute, 5m, 15m, hour, 6h, day, week or month");
    private static readonly Refusal InvalidGroup = Refusal.BadRequest("invalid_by", "by is module, type or outcome");

    private static readonly Interval[] Known =
    [
        new("minute", TimeSpan.FromMinutes(1), "1 minute", "hour"),
        new("5m", TimeSpan.FromMinutes(5), "5 minutes", "hour"),
        new("15m", TimeSpan.FromMinutes(15), "15 minutes", "hour"),
        new("hour", TimeSpan.FromHours(1), "1 hour", "hour"),
        new("6h", TimeSpan.FromHours(6), "6 hours", "day"),
        new("day", TimeSpan.FromDays(1), "1 day", "day"),
        new("week", TimeSpan.FromDays(7), "7 days", "week"),
        new("month", TimeSpan.FromDays(28), "1 month", "month"),
    ];

    /// <summary>The buckets, or what is wrong with them. Without a range they are of the day up to now.</summary>
    public Outcome<HistogramWish> Read(EntryFilter range, DateTimeOffset now)
    {
        var until = range.Until ?? now;
        var since = range.Since ?? until.AddDays(-1);
        if (since >= until || since.Year < 2000 || until.Year > 2999)
            return InvalidRange;
        if (!string.IsNullOrEmpty(Zone) && !ZoneName().IsMatch(Zone))
            return InvalidZone;
        if (By is not (null or "" or "module" or "type" or "outcome"))
            return InvalidGroup;
        var interval = string.IsNullOrEmpty(Interval)
            ? Array.Find(Known, known => (until - since) / known.Length <= WantedBuckets) ?? Known[^1]
            : Array.Find(Known, known => known.Name == Interval);
        if (interval is null)
            return InvalidInterval;
        if ((until - since) / interval.Length > MostBuckets)
            return TooManyBuckets;
        return new HistogramWish(since, until, interval, string.IsNullOrEmpty(Zone) ? "UTC" : Zone, string.IsNullOrEmpty(By) ? null : By);
    }

    [GeneratedRegex(@"^(UTC|[A-Za-z_]{1,32}(/[A-Za-z0-9_+-]{1,32}){1,2})\z", RegexOptions.CultureInvariant)]
    private static partial Regex ZoneName();
}

/// <param name="Length">The shortest there is of it.</param>
/// <param name="Step">As PostgreSQL reads it.</param>
/// <param name="Unit">Where buckets begin, in the zone.</param>
internal sealed record Interval(string Name, TimeSpan Length, string Step, string Unit)
{
    /// <summary>Days and what is longer are steps of the wall clock, with 23 or 25 hours where it is moved.</summary>
    public bool IsOfWallClock => Length >= TimeSpan.FromHours(6);
}

/// <summary>What a histogram is made of.</summary>
/// <param name="By">A column; null: none.</param>
internal sealed record HistogramWish(DateTimeOffset Since, DateTimeOffset Until, Interval Interval, string Zone, string? By);
