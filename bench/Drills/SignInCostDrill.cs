using System.Diagnostics;
using System.Globalization;

namespace Modular.Drills;

/// <summary>
/// What a sign-in costs beside the hash of the password: processor time of the whole server, with everything that a
/// sign-in sets off (session, events, audit entries, messages), against that of the threads that hash.
/// </summary>
internal sealed class SignInCostDrill(DrillHost host, int signIns)
{
    private const int People = 16;

    public async Task<bool> Run(TextWriter output)
    {
        var devices = await Devices.SignUp(host.Url, People);
        await SignIn(devices, People, 12 * signIns);
        var good = true;
        foreach (var atOnce in (int[])[1, People])
        {
            var idle = await Idle();
            var (before, hashing, database) = (Used(), Hashing(), host.DatabaseProcessorTime());
            var clock = Stopwatch.StartNew();
            await SignIn(devices, atOnce, 5 * signIns);
            // What they have set off is done by then.
            await Task.Delay(TimeSpan.FromSeconds(2));
            var hash = (Hashing() - hashing) / (5 * signIns);
            var rest = ((Used() - before - (idle * clock.Elapsed.TotalSeconds)) / (5 * signIns)) - hash;
            var store = (host.DatabaseProcessorTime() - database).TotalMilliseconds / (5 * signIns);
            good &= rest <= 0.1 * hash;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{atOnce} at once, {5 * signIns} sign-ins: {hash:0.0} ms of processor time each for the hash, {rest:0.0} ms for everything else in the server: {100 * rest / hash:0.0} %; {store:0.0} ms in PostgreSQL"));
        }

        return good;
    }

    private Task SignIn(IReadOnlyList<Device> devices, int atOnce, int times) => Parallel.ForAsync(
        0, times, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (at, ct) => await Devices.SignIn(host.Url, devices[at % devices.Count].Email, ct));

    // A second of the server with nothing to do, in milliseconds.
    private async Task<double> Idle()
    {
        await Task.Delay(TimeSpan.FromSeconds(3));
        var before = Used();
        await Task.Delay(TimeSpan.FromSeconds(5));
        return (Used() - before) / 5;
    }

    private double Used()
    {
        using var process = Process.GetProcessById(host.ProcessId);
        return process.TotalProcessorTime.TotalMilliseconds;
    }

    private double Hashing() => host.ProcessorTimeOf("password-hash").TotalMilliseconds;
}
