using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using Modular.Kernel;

namespace Modular.Audit;

/// <summary>What is to be replayed, as it was written.</summary>
/// <param name="From">The first position.</param>
/// <param name="Until">A position or a time, not included.</param>
/// <param name="Format">See <see cref="ReplayShape"/>.</param>
/// <param name="Speed">So many times faster than it happened: <c>10x</c>.</param>
/// <param name="Rate">So many entries a second.</param>
internal sealed record ReplayText(
    [FromQuery] string? From = null, [FromQuery] string? Since = null, [FromQuery] string? Until = null, [FromQuery] string? Follow = null,
    [FromQuery] string? Format = null, [FromQuery] string? Speed = null, [FromQuery] string? Rate = null)
{
    private static readonly Refusal InvalidUntil = Refusal.BadRequest("invalid_until", "The end is a position or a time, such as 2026-01-31T12:00:00Z");
    private static readonly Refusal InvalidFollow = Refusal.BadRequest("invalid_follow", "follow is true or false, and a replay that has an end follows nothing");
    private static readonly Refusal InvalidPace = Refusal.BadRequest("invalid_pace", "speed is as in 10x, rate is entries a second, both from 0.01 to 1000000; only one of them is given");

    /// <summary>What is asked for. Where a stream of events was cut off wins over where it began.</summary>
    public Outcome<Contracts.ReplayLog> Read(EntryFilterText filters, string resumed, ReplayShape shape)
    {
        if (!EntryBounds.TryPosition(From, out var start) || !EntryBounds.TryPosition(resumed, out var last))
            return EntryBounds.InvalidCursor;
        if (!EntryBounds.TryTime(Since, out var since))
            return EntryBounds.InvalidTime;
        DateTimeOffset? untilTime = null;
        if (!EntryBounds.TryPosition(Until, out var end) && !EntryBounds.TryTime(Until, out untilTime))
            return InvalidUntil;
        var hasEnd = end is not null || untilTime is not null || shape.HasEnd;
        if (Follow is not (null or "" or "true" or "false") || (Follow == "true" && hasEnd))
            return InvalidFollow;
        if (!TryNumber(Speed?.TrimEnd('x'), out var speed) || !TryNumber(Rate, out var rate) || (speed is not null && rate is not null))
            return InvalidPace;
        var filter = filters.Read();
        if (filter.Refusal is { } wrong)
            return wrong;
        return new Contracts.ReplayLog(
            last + 1 ?? start ?? 0, since, untilTime, end,
            Follow: !hasEnd && (string.IsNullOrEmpty(Follow) ? shape.IsStream : bool.Parse(Follow)),
            filter.Answer.IsEverything ? null : filter.Answer.ToContract(), shape.Format, speed, rate);
    }

    private static bool TryNumber(string? text, out double? number)
    {
        number = null;
        if (string.IsNullOrEmpty(text))
            return true;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var read) || read is not (>= 0.01 and <= 1_000_000))
            return false;
        number = read;
        return true;
    }
}
