using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Modular.Store;
using Modular.Testing;

namespace Modular.Bench;

/// <summary>One comparison: the same work by hand and by us, in turn, round by round.</summary>
/// <param name="Name">What is measured, with its unit.</param>
/// <param name="Floor">What it is a ratio to.</param>
/// <param name="Target">The least ratio that is good enough.</param>
/// <param name="ByHand">Runs the floor for about this long; answers how many a second.</param>
/// <param name="Ours">Runs ours for about this long; answers how many a second.</param>
internal sealed record Comparison(
    string Name, string Floor, double Target, Func<TimeSpan, Task<double>> ByHand, Func<TimeSpan, Task<double>> Ours);

internal static class Harness
{
    /// <summary>Warms both sides up, then takes turns, so that a change of the machine's speed meets both.</summary>
    public static async Task<(double Floor, double Ours, double Ratio)> Run(Comparison comparison, int rounds, TimeSpan length)
    {
        await comparison.ByHand(length / 2);
        await comparison.Ours(length / 2);
        var floors = new List<double>();
        var ours = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            if (round % 2 == 0)
                floors.Add(await comparison.ByHand(length));
            ours.Add(await comparison.Ours(length));
            if (round % 2 == 1)
                floors.Add(await comparison.ByHand(length));
        }

        return (Median(floors), Median(ours), Median([.. floors.Zip(ours, (floor, our) => our / floor)]));
    }

    /// <summary>Operations a second of <paramref name="workers"/> loops side by side.</summary>
    public static async Task<double> Throughput(int workers, TimeSpan length, Func<int, Task> once)
    {
        var clock = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            var count = 0L;
            while (clock.Elapsed < length)
            {
                await once(worker);
                count++;
            }

            return count;
        })));
        return counts.Sum() / clock.Elapsed.TotalSeconds;
    }

    /// <summary>A store over a database, without the background half.</summary>
    public static async Task<ServiceProvider> Store(TestDatabase database, int connections, bool rows = false)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        services.AddSingleton(_ => StoreDatabase.Open(
            $"{database.ConnectionString};Maximum Pool Size={connections.ToString(CultureInfo.InvariantCulture)}"));
        services.AddStore(_ => ["a secret for benchmarks, long enough to be one"]);
        services.ConfigureStore(Model.Schema, store => Model.Configure(store, rows));
        var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<SchemaMigrator>().Apply();
        return provider;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2;
    }
}
