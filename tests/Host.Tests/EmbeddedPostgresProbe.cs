using Modular.Host.Database;

namespace Modular.Host.Tests;

/// <summary>
/// The test assembly run as a program: another process that starts or joins a server, says so, and leaves when its
/// input ends.
/// </summary>
internal static class EmbeddedPostgresProbe
{
    public static async Task<int> Main(string[] args)
    {
        if (args is not ["probe", .. var folders])
            return 2;
        var options = new EmbeddedPostgresOptions { DataDirectory = folders.FirstOrDefault() };
        await using var postgres = await EmbeddedPostgres.StartAsync(options, Console.Error.WriteLine, CancellationToken.None);
        Console.WriteLine($"{(postgres.Started ? "started" : "joined")} {postgres.ConnectionString}");
        await Console.In.ReadToEndAsync();
        return 0;
    }
}
