using System.Globalization;
using Modular.Drills;

// dotnet run -c Release --project bench/Drills -- enumeration [--samples N] [--iterations N] [--surface NAME] [--seed N] [--json]
// dotnet run -c Release --project bench/Drills -- fuzz [--requests N] [--seed N]
// dotnet run -c Release --project bench/Drills -- clerk [--messages N] [--seed N]
// dotnet run -c Release --project bench/Drills -- revocation [--revocations N] [--rate N]
// dotnet run -c Release --project bench/Drills -- outage [--rounds N] [--rate N]
// dotnet run -c Release --project bench/Drills -- storm [--clients N] [--rounds N] [--rate N]
// dotnet run -c Release --project bench/Drills -- scale [--sessions N] [--expired N]
// dotnet run -c Release --project bench/Drills -- sign-in-cost [--sign-ins N]
// dotnet run -c Release --project bench/Drills -- audit [--entries N] [--rate N] [--seconds N]
//
// Each drill starts the Host as a process of its own over a fresh PostgreSQL and ends with 1 when it finds something.
var seed = int.Parse(Setting("--seed", Environment.TickCount.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);
Console.Error.WriteLine($"seed {seed}");
// Where thousands sign up that are not what is looked at; only Development allows it.
string[] CheapPasswords() => ["--environment=Development", "--Auth:PasswordIterations=1", "--RateLimiting:Enabled=false"];
return args.FirstOrDefault() switch
{
    "enumeration" => await Enumeration(),
    "fuzz" => await Fuzz(),
    "clerk" => await Clerk(),
    "revocation" => await Revocation(),
    "outage" => await Outage(),
    "storm" => await Storm(),
    "scale" => await Scale(),
    "sign-in-cost" => await SignInCost(),
    "audit" => await new AuditDrill(Number("--entries", 1_000_000), Number("--rate", 500), Number("--seconds", 30)).Run(Console.Out) ? 0 : 1,
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
    await using var host = await DrillHost.StartAsync($"--Clerk:WebhookSecret={ClerkDrill.Secret}");
    await using var other = await host.AnotherNode(null, $"--Clerk:WebhookSecret={ClerkDrill.Secret}");
    return await new ClerkDrill(host, other, Number("--messages", 10_000), seed).Run(Console.Out) ? 0 : 1;
}

async Task<int> Revocation()
{
    await using var acting = await DrillHost.StartAsync(CheapPasswords());
    await using var checking = await acting.AnotherNode(null, "--RateLimiting:Enabled=false");
    return await new RevocationDrill(acting, checking, Number("--revocations", 1000), Number("--rate", 5000)).Run(Console.Out) ? 0 : 1;
}

async Task<int> Outage()
{
    await using var acting = await DrillHost.StartAsync(CheapPasswords());
    return await new OutageDrill(acting, Number("--rounds", 10), Number("--rate", 2000)).Run(Console.Out) ? 0 : 1;
}

async Task<int> Storm()
{
    await using var host = await DrillHost.StartAsync("--RateLimiting:Enabled=false");
    return await new StormDrill(host, Number("--clients", 16), Number("--rounds", 5), Number("--rate", 5000)).Run(Console.Out) ? 0 : 1;
}

async Task<int> Scale()
{
    await using var host = await DrillHost.StartAsync("--RateLimiting:Enabled=false");
    return await new ScaleDrill(host, 10_000, Number("--sessions", 1_000_000), Number("--expired", 500_000)).Run(Console.Out) ? 0 : 1;
}

async Task<int> SignInCost()
{
    await using var host = await DrillHost.StartAsync("--RateLimiting:Enabled=false");
    return await new SignInCostDrill(host, Number("--sign-ins", 30)).Run(Console.Out) ? 0 : 1;
}

static int Usage()
{
    Console.Error.WriteLine("""
        enumeration [--samples N] [--iterations N] [--surface NAME] [--seed N] [--json]
        fuzz [--requests N] [--seed N]
        clerk [--messages N] [--seed N]
        revocation [--revocations N] [--rate N]
        outage [--rounds N] [--rate N]
        storm [--clients N] [--rounds N] [--rate N]
        scale [--sessions N] [--expired N]
        sign-in-cost [--sign-ins N]
        audit [--entries N] [--rate N] [--seconds N]
        """);
    return 2;
}

int Number(string name, int otherwise) =>
    int.Parse(Setting(name, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

string Setting(string name, string otherwise) =>
    Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;
