using System.Globalization;

namespace Modular.Drills;

/// <summary>How much longer checks take while clients sign in without a pause, each sign-in with the whole cost of a password.</summary>
internal sealed class StormDrill(DrillHost host, int clients, int rounds, double perSecond)
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(15);

    public async Task<bool> Run(TextWriter output)
    {
        var devices = await Devices.SignUp(host.Url, 2 * clients);
        var load = new CheckLoad(host.Url, [.. devices.Select(device => device.Cookie)], connections: 16, perSecond);
        await load.Run(TimeSpan.FromSeconds(5));
        // A server that has just started compiles its way through the first few hundred sign-ins.
        using (var warm = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
            await Task.WhenAll(Enumerable.Range(0, clients).Select(at => SignIn(devices[at].Email, warm.Token)));
        var ratios = new List<double>();
        var good = true;
        for (var round = 0; round < rounds; round++)
        {
            var idle = await load.Run(Time);
            using var over = new CancellationTokenSource();
            var signIns = Enumerable.Range(0, clients).Select(at => SignIn(devices[at].Email, over.Token)).ToArray();
            await Task.Delay(TimeSpan.FromSeconds(2));
            var storm = await load.Run(Time);
            await over.CancelAsync();
            var signedIn = (await Task.WhenAll(signIns)).Sum();
            ratios.Add(storm.P99 / idle.P99);
            good &= idle.Checks == idle.SignedIn && storm.Checks == storm.SignedIn;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"idle: {idle.PerSecond:0} checks a second, median {idle.P50:0.00} ms, p99 {idle.P99:0.00} ms; with {clients} clients that sign in ({signedIn / (Time.TotalSeconds + 2):0.0} a second): {storm.PerSecond:0}, median {storm.P50:0.00} ms, p99 {storm.P99:0.00} ms, {storm.P99 / idle.P99:0.0} times"));
        }

        var median = Statistics.Quantile([.. ratios.Order()], 0.5);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median of the ratios: {median:0.00}"));
        return good && median < 3;
    }

    private async Task<int> SignIn(string email, CancellationToken until)
    {
        for (var count = 0; ; count++)
        {
            try
            {
                await Devices.SignIn(host.Url, email, until);
            }
            catch (OperationCanceledException)
            {
                return count;
            }
        }
    }
}
