namespace Modular.Audit;

/// <summary>When each entry of a replay is due: at once, as it happened but faster, or so many a second.</summary>
internal sealed class ReplayPace(Contracts.ReplayLog request, TimeProvider clock)
{
    // A reader that is slow, or wants to be, holds nothing longer than this.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    // No timer takes more than some weeks.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly long started = clock.GetTimestamp();
    private DateTimeOffset? first;
    private long passed;
    private long read;

    /// <summary>Whether what was read was read too long ago to be shown.</summary>
    public bool IsStale => clock.GetElapsedTime(read) > Fresh;

    public void HasRead() => read = clock.GetTimestamp();

    public void Passed(Entry entry)
    {
        passed++;
        first ??= entry.Event.Time;
    }

    public async Task Wait(Entry entry, CancellationToken ct)
    {
        while (Due(entry) - clock.GetElapsedTime(started) is var left && left > TimeSpan.Zero)
            await Task.Delay(left < LongestWait ? left : LongestWait, clock, ct);
    }

    private TimeSpan Due(Entry entry)
    {
        if (request.Rate is { } rate)
            return TimeSpan.FromSeconds(passed / rate);
        return request.Speed is { } speed && first is { } begin ? (entry.Event.Time - begin) / speed : TimeSpan.Zero;
    }
}
