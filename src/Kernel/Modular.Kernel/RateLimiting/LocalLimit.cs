namespace Modular.Kernel;

/// <summary>
/// Counts reads on this node, in memory. Not contract §4's counter, which a steady caller with no pause of a whole window
/// fills up however slow it is: the generic cell rate algorithm (ITU-T I.371). A limit of 10,000 in 10 s lets 10,000 through
/// at once and a thousand a second for ever; of a key it knows one number, the time at which its requests are paid off.
/// </summary>
internal sealed class LocalLimit(Deadlines paidOff)
{
    /// <summary>Zero: allowed, and counted. Otherwise how long to wait.</summary>
    public TimeSpan Count(LimitedPath path, string? address, DateTimeOffset now)
    {
        var key = paidOff.Key(path.Hash, address);
        var (window, time) = (path.Limit.Window.Ticks, now.UtcTicks);
        var price = Math.Max(1, window / path.Limit.Max);
        while (true)
        {
            var known = paidOff.Get(key);
            // Further away than any request could have moved it: the clock has been set back.
            var from = known < time || known > time + window ? time : known;
            var wait = from + price - time - window;
            if (wait > 0)
                return TimeSpan.FromTicks(wait);
            if (paidOff.TryMove(key, known, from + price))
                return TimeSpan.Zero;
        }
    }
}
