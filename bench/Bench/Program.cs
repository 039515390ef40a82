using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Modular.Bench;
using Modular.Store;
using Modular.Testing;

// dotnet run -c Release --project bench/Bench -- [--rounds N] [--seconds S] [--only WORD]
var rounds = int.Parse(Setting("--rounds", "5"), CultureInfo.InvariantCulture);
var seconds = double.Parse(Setting("--seconds", "3"), CultureInfo.InvariantCulture);
var only = Setting("--only", "");
(string Word, Func<TestDatabase, Task<Comparison>> Make)[] benches =
[
    ("append", AppendBench.WithSnapshot),
    ("single", AppendBench.Single),
    ("hints", database => AppendBench.Hints(database, StartRelay)),
    ("load", ReadBench.Load),
    ("message", MessageBench.EndToEnd),
    ("rebuild", database => ReadBench.Rebuild(database, events: 200_000)),
];

Console.WriteLine($"{rounds} rounds of {seconds} s, in turn; medians. {Environment.ProcessorCount} cores.");
Console.WriteLine();
Console.WriteLine("| what | floor | by hand | ours | ratio | at least |");
Console.WriteLine("| :-- | :-- | --: | --: | --: | --: |");
foreach (var (_, make) in benches.Where(bench => bench.Word.Contains(only, StringComparison.Ordinal)))
{
    // A server of its own, so that one comparison's open transactions and settings do not meet another's.
    await using var database = await TestDatabase.CreateAsync(ownServer: true);
    var comparison = await make(database);
    var (floor, ours, ratio) = await Harness.Run(comparison, rounds, TimeSpan.FromSeconds(seconds));
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {comparison.Name} | {comparison.Floor} | {floor:N0} | {ours:N0} | {ratio:0.00} | {comparison.Target:0.00} |"));
}

string Setting(string name, string otherwise) =>
    Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;

static async Task StartRelay(IServiceProvider store)
{
    var relay = ActivatorUtilities.CreateInstance<FeedSignalRelay>(store);
    await relay.StartAsync(CancellationToken.None);
}
