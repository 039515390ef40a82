using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Modular.Drills;

/// <summary>
/// What checks answer while what they stand on is gone: the way of the node's listener is cut, or falls silent, in the
/// instant somebody is revoked elsewhere; PostgreSQL is restarted. Nobody may be accepted once the lease is over, and nobody
/// may be told that they are signed out.
/// </summary>
internal sealed class OutageDrill(DrillHost acting, int rounds, double perSecond)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(1);

    /// <summary>Whether nobody was accepted or refused wrongly.</summary>
    public async Task<bool> Run(TextWriter output)
    {
        var address = new NpgsqlConnectionStringBuilder(acting.ConnectionString);
        using var way = new CutWay(address.Host!, address.Port);
        await using var checking = await acting.AnotherNode(way.Address, "--RateLimiting:Enabled=false");
        var devices = await Devices.SignUp(acting.Url, 200);
        var good = true;
        foreach (var (name, cut) in ((string, Action)[])[("cut", way.Cut), ("silent", way.FallSilent)])
        {
            var (late, elsewhere) = (new List<double>(), new List<LoadResult>());
            for (var round = 0; round < rounds; round++)
            {
                late.Add(await Revoke(checking, devices, cut, elsewhere));
                way.Speak();
            }

            var beside = elsewhere.Sum(load => load.Checks);
            var wrong = beside - elsewhere.Sum(load => load.SignedIn);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"listener {name}, {rounds} times: a session revoked at that instant was last accepted {late.Max():0} ms after it (sent; median {Statistics.Quantile([.. late.Order()], 0.5):0} ms); {beside} checks of others beside, {wrong} of them not signed in"));
            good &= late.Max() < Lease.TotalMilliseconds && wrong == 0;
        }

        for (var round = 0; round < 3; round++)
            good &= await Restart(checking, devices, output);
        return good;
    }

    // Milliseconds from the revocation's answer to when the last check was sent that was accepted.
    private async Task<double> Revoke(DrillHost checking, IReadOnlyList<Device> devices, Action cut, List<LoadResult> elsewhere)
    {
        var device = (await Devices.SignUp(acting.Url, 1))[0];
        using var over = new CancellationTokenSource();
        using var connection = new CheckConnection(checking.Url);
        var request = CheckConnection.Request(checking.Url, device.Cookie);
        var load = new CheckLoad(checking.Url, [.. devices.Select(one => one.Cookie)], connections: 8, perSecond).Run(over.Token);
        for (var warm = 0; warm < 50; warm++)
            connection.Check(request);
        cut();
        await Devices.Post(acting.Url, "sign-out", device, new { });
        var clock = Stopwatch.StartNew();
        var last = 0.0;
        while (clock.Elapsed < 3 * Lease)
        {
            var sent = clock.Elapsed.TotalMilliseconds;
            if (connection.Check(request) == CheckAnswer.SignedIn)
                last = sent;
        }

        await over.CancelAsync();
        elsewhere.Add(await load);
        return last;
    }

    private async Task<bool> Restart(DrillHost checking, IReadOnlyList<Device> devices, TextWriter output)
    {
        var gone = (await Devices.SignUp(acting.Url, 1))[0];
        await Devices.Post(acting.Url, "sign-out", gone, new { });
        using var over = new CancellationTokenSource();
        var live = new CheckLoad(checking.Url, [.. devices.Select(one => one.Cookie)], connections: 16, perSecond).Run(over.Token);
        var dead = new CheckLoad(checking.Url, [gone.Cookie], connections: 1, perSecond / 20).Run(over.Token);
        await Task.Delay(2 * Lease, CancellationToken.None);
        var clock = Stopwatch.StartNew();
        var (down, up) = (TimeSpan.Zero, TimeSpan.Zero);
        await acting.RestartDatabase(async () =>
        {
            down = clock.Elapsed;
            await Task.Delay(4 * Lease);
        });
        up = clock.Elapsed;
        using var connection = new CheckConnection(checking.Url);
        var request = CheckConnection.Request(checking.Url, devices[0].Cookie);
        while (connection.Check(request) != CheckAnswer.SignedIn && clock.Elapsed < up + TimeSpan.FromSeconds(30))
            await Task.Delay(5);
        var recovered = clock.Elapsed - up;
        await Task.Delay(2 * Lease, CancellationToken.None);
        await over.CancelAsync();
        var (signedIn, signedOut) = (await live, await dead);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"PostgreSQL gone for {(up - down).TotalSeconds:0.0} s: of {signedIn.Checks} checks of live sessions {signedIn.SignedIn} signed in, {signedIn.Unavailable} 503, {signedIn.Nobody} signed out, {signedIn.Otherwise} otherwise; of {signedOut.Checks} of a dead one {signedOut.SignedIn} accepted, {signedOut.Unavailable} 503, {signedOut.Otherwise} otherwise; first one answered {recovered.TotalMilliseconds:0} ms after it was back"));
        return signedIn.Nobody == 0 && signedIn.Otherwise == 0 && signedOut.SignedIn == 0 && signedOut.Otherwise == 0 && recovered < TimeSpan.FromSeconds(10);
    }
}
