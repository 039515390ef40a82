using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Modular.Drills;

/// <summary>
/// How long a revoked session is still accepted elsewhere: sessions are revoked on one node while another is asked for
/// them without a pause, beside many checks of others. Counted to the arrival of the last answer that accepted it: from when PostgreSQL
/// wrote the commit (before it was flushed to the disk, which is part of what is counted), and from when whoever revoked it was answered.
/// </summary>
internal sealed class RevocationDrill(DrillHost acting, DrillHost checking, int revocations, double perSecond)
{
    private static readonly double[] Edges = [1, 2, 5, 10, 20, 50, 100, 1000];

    /// <param name="Answered">When whoever revoked it was told so.</param>
    private sealed record Revoked(Device Device, DateTime LastAccepted, DateTime Answered, long Asked, bool CameBack);

    /// <summary>Whether the aim was met: 99 of 100 within 50 ms, none after the lease, nobody else signed out.</summary>
    public async Task<bool> Run(TextWriter output)
    {
        var owners = await Devices.SignUp(acting.Url, revocations);
        var others = await Devices.SignUp(acting.Url, 200);
        using var over = new CancellationTokenSource();
        var load = new CheckLoad(checking.Url, [.. others.Select(device => device.Cookie)], connections: 16, perSecond).Run(over.Token);
        var revoked = new List<Revoked>();
        foreach (var (device, at) in owners.Select((device, at) => (device, at)))
            revoked.Add(await Revoke(device, at));
        await over.CancelAsync();
        var beside = await load;

        var commits = await CommitTimes();
        var milliseconds = revoked.Select(r => Math.Max(0, (r.LastAccepted - commits[r.Device.SessionId]).TotalMilliseconds)).Order().ToArray();
        var told = revoked.Select(r => Math.Max(0, (r.LastAccepted - r.Answered).TotalMilliseconds)).Order().ToArray();
        var lower = 0.0;
        foreach (var edge in Edges.Append(double.PositiveInfinity))
        {
            var count = milliseconds.Count(m => m >= lower && m < edge);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(double.IsInfinity(edge) ? $"{lower} ms and more" : $"below {edge} ms"),-20} {count,6} {new string('#', 60 * count / revocations)}"));
            lower = edge;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            {revocations} revocations, from commit to the last accepted check on the other node: median {Statistics.Quantile(milliseconds, 0.5):0.0} ms, p99 {Statistics.Quantile(milliseconds, 0.99):0.0} ms, longest {milliseconds[^1]:0.0} ms
            from the answer to whoever revoked it: median {Statistics.Quantile(told, 0.5):0.0} ms, p99 {Statistics.Quantile(told, 0.99):0.0} ms, longest {told[^1]:0.0} ms
            the revoked ones were asked for {revoked.Sum(r => r.Asked)} times; accepted again after they were refused: {revoked.Count(r => r.CameBack)}
            beside them {beside.PerSecond:0} checks a second, p99 {beside.P99:0.0} ms: {beside.SignedIn} signed in, {beside.Nobody} signed out, {beside.Unavailable + beside.Otherwise} not answered
            """));
        return Statistics.Quantile(milliseconds, 0.99) < 50 && milliseconds[^1] < 1000 && beside.Checks == beside.SignedIn && !revoked.Any(r => r.CameBack);
    }

    private async Task<Revoked> Revoke(Device device, int at)
    {
        using var warm = new ManualResetEventSlim();
        var asking = Task.Factory.StartNew(() => Ask(device, warm), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        warm.Wait();
        await (at % 2 == 0 ? Devices.Post(acting.Url, "sign-out", device, new { }) : Devices.Post(acting.Url, "revoke-sessions", device, new { }));
        var answered = DateTime.UtcNow;
        return (await asking) with { Answered = answered };
    }

    // Until it has been refused for a while: what was refused once must not be accepted again.
    private Revoked Ask(Device device, ManualResetEventSlim warm)
    {
        using var connection = new CheckConnection(checking.Url);
        var request = CheckConnection.Request(checking.Url, device.Cookie);
        var (last, refused, cameBack) = (DateTime.MinValue, 0L, false);
        var clock = Stopwatch.StartNew();
        for (long asked = 1; ; asked++)
        {
            var answer = connection.Check(request);
            if (answer == CheckAnswer.SignedIn)
            {
                last = DateTime.UtcNow;
                cameBack |= refused > 0;
                if (asked == 20)
                    warm.Set();
            }
            else if (answer == CheckAnswer.Nobody && ++refused >= 20)
            {
                return new Revoked(device, last, default, asked, cameBack);
            }

            if (clock.Elapsed > TimeSpan.FromSeconds(30))
                throw new TimeoutException($"A revoked session was not refused: {answer}.");
        }
    }

    private async Task<IReadOnlyDictionary<string, DateTime>> CommitTimes()
    {
        await using var connection = new NpgsqlConnection(acting.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select stream_id, pg_xact_commit_timestamp(xact::text::bigint::text::xid) from sessions.mt_events where type like 'session.revoked.%' or type like 'session.signed_out.%'",
            connection);
        await using var rows = await command.ExecuteReaderAsync();
        var times = new Dictionary<string, DateTime>();
        while (await rows.ReadAsync())
            times[rows.GetString(0)] = rows.GetDateTime(1);
        return times;
    }
}
