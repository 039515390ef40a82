using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Modular.Drills;

/// <summary>
/// What a sign-in costs beside the hash of the password: processor time of the whole server, with everything that a
/// sign-in sets off (session, events, audit entries, messages), against that of the hash alone.
/// </summary>
internal sealed class SignInCostDrill(DrillHost host, int signIns)
{
    private const int Iterations = 220_000;

    public async Task<bool> Run(TextWriter output)
    {
        var devices = await Devices.SignUp(host.Url, 16);
        for (var warm = 0; warm < 200; warm++)
            await Devices.SignIn(host.Url, devices[warm % devices.Count].Email);
        Hash(20);
        // What signing up has set off is done by then.
        await Task.Delay(TimeSpan.FromSeconds(5));
        var idle = await Idle();
        var (all, hashes, database) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < 5; round++)
        {
            var (before, store) = (Used(), UsedByDatabase());
            var clock = Stopwatch.StartNew();
            for (var at = 0; at < signIns; at++)
                await Devices.SignIn(host.Url, devices[at % devices.Count].Email);
            await Task.Delay(TimeSpan.FromSeconds(1));
            // Each is followed by one check, which costs nothing beside it.
            all.Add((Used() - before - (idle * clock.Elapsed.TotalSeconds)) / signIns);
            database.Add((UsedByDatabase() - store) / signIns);
            hashes.Add(Hash(signIns));
        }

        var (signIn, hash) = (Statistics.Quantile([.. all.Order()], 0.5), Statistics.Quantile([.. hashes.Order()], 0.5));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"a sign-in takes {signIn:0.0} ms of the server's processor time, PBKDF2-HMAC-SHA-512 with {Iterations} iterations alone {hash:0.0} ms: {100 * (signIn - hash) / hash:0.0} % more (medians of 5 rounds of {signIns}); PostgreSQL takes {Statistics.Quantile([.. database.Order()], 0.5):0.0} ms"));
        return signIn <= 1.1 * hash;
    }

    // A second of the server with nothing to do, in milliseconds.
    private async Task<double> Idle()
    {
        var before = Used();
        await Task.Delay(TimeSpan.FromSeconds(5));
        return (Used() - before) / 5;
    }

    private double Used()
    {
        using var process = Process.GetProcessById(host.ProcessId);
        return process.TotalProcessorTime.TotalMilliseconds;
    }

    private double UsedByDatabase() => host.DatabaseProcessorTime().TotalMilliseconds;

    private static double Hash(int times)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var before = Environment.CpuUsage.TotalTime;
        for (var at = 0; at < times; at++)
            Rfc2898DeriveBytes.Pbkdf2(Devices.Password, salt, Iterations, HashAlgorithmName.SHA512, 64);
        return (Environment.CpuUsage.TotalTime - before).TotalMilliseconds / times;
    }
}
