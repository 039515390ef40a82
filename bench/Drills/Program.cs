using System.Globalization;
using Modular.Drills;

// dotnet run -c Release --project bench/Drills -- enumeration [--samples N] [--iterations N] [--surface NAME] [--seed N] [--json]
// dotnet run -c Release --project bench/Drills -- fuzz [--requests N] [--seed N]
// dotnet run -c Release --project bench/Drills -- clerk [--messages N] [--seed N]
//
// Each drill starts the Host as a process of its own over a fresh PostgreSQL and ends with 1 when it finds something.
var seed = int.Parse(Setting("--seed", Environment.TickCount.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);
Console.Error.WriteLine($"seed {seed}");
return args.FirstOrDefault() switch
{
    "enumeration" => await Enumeration(),
    "fuzz" => await Fuzz(),
    "clerk" => await Clerk(),
    _ => Usage(),
};

async Task<int> Enumeration()
{
    var samples = int.Parse(Setting("--samples", "2000"), CultureInfo.InvariantCulture);
    // Fewer than production allows: less time, and less noise for what is no hash to hide in.
    string[] cost = Setting("--iterations", "") is { Length: > 0 } iterations ? ["--environment=Development", $"--Auth:PasswordIterations={iterations}"] : [];
    await using var host = await DrillHost.StartAsync(["--Auth:RequireEmailVerification=true", "--RateLimiting:Enabled=false", .. cost]);
    using var drill = new EnumerationDrill(host, samples, seed);
    var rows = await drill.Run(Setting("--surface", ""), Console.Error.WriteLine);
    if (args.Contains("--json"))
        Console.WriteLine(EnumerationDrill.Json(rows));
    else
        EnumerationDrill.Print(rows, Console.Out);
    foreach (var line in host.Faults.Take(20))
        Console.Error.WriteLine(line);
    return rows.Any(row => row.Tells) ? 1 : 0;
}

async Task<int> Fuzz()
{
    var requests = int.Parse(Setting("--requests", "100000"), CultureInfo.InvariantCulture);
    // Limits are on; whoever names an address of their own has a count of their own.
    await using var host = await DrillHost.StartAsync("--Modular:ForwardedFor=true");
    return await new FuzzDrill(host, requests, seed).Run(Console.Out) ? 0 : 1;
}

async Task<int> Clerk()
{
    var messages = int.Parse(Setting("--messages", "10000"), CultureInfo.InvariantCulture);
    await using var host = await DrillHost.StartAsync($"--Clerk:WebhookSecret={ClerkDrill.Secret}");
    return await new ClerkDrill(host, messages, seed).Run(Console.Out) ? 0 : 1;
}

static int Usage()
{
    Console.Error.WriteLine("enumeration [--samples N] [--iterations N] [--surface NAME] [--seed N] [--json]  or  fuzz [--requests N] [--seed N]  or  clerk [--messages N] [--seed N]");
    return 2;
}

string Setting(string name, string otherwise) =>
    Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;
