using System.Diagnostics;
using System.Text.RegularExpressions;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>The walk-through of the README, pasted line by line into a shell beside a server.</summary>
public sealed class WalkThroughTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task It_works_as_it_stands_there()
    {
        if (OperatingSystem.IsWindows())
            return;
        await using var server = await HostProcess.StartAsync(_database.ConnectionString);
        var lines = Block().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("db seed", lines[0], StringComparison.Ordinal);
        var said = await Paste([.. lines.Select(line => line.Replace("http://localhost:5000", server.Url, StringComparison.Ordinal))]);

        Assert.Contains("Made 11 people", said, StringComparison.Ordinal);
        Assert.Contains("\"email\":\"admin@seed.example\"", said, StringComparison.Ordinal);
        Assert.Contains("\"userId\":\"seed-mentor-2\"", said, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"confirmed\"", said, StringComparison.Ordinal);
        // The entry is the one of this confirmation: by the mentor, about the mentee.
        await using var numbers = new Numbers(_database.ConnectionString);
        Assert.Equal(4, await numbers.Of("select count(*) from profiles.mt_doc_office_session where status = 'Confirmed'"));
        Assert.Matches("\"type\":\"office_session.confirmed.1\"[^}]*\"actor\":\"seed-mentor-2\"[^}]*\"subject\":\"seed-mentee-1\"", said.Split("\"status\":\"confirmed\"")[^1]);
    }

    /// <summary>The block below the heading.</summary>
    private static string Block()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "README.md")))
            folder = folder.Parent!;
        var readme = File.ReadAllText(Path.Combine(folder.FullName, "README.md"));
        return Regex.Match(readme, @"## Walk through it.*?```sh\n(?<block>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture).Groups["block"].Value;
    }

    // A shell that reads its lines from a pipe runs one after the other, as one that is pasted into. Only the program is the
    // one that was built here, over this database.
    private async Task<string> Paste(IReadOnlyList<string> lines)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in Pooler.Settings(_database.ConnectionString))
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment["Auth__Secret"] = "a secret for tests, long enough to be one";
        start.Environment["Auth__PasswordIterations"] = "1000";
        using var shell = Process.Start(start)!;
        await shell.StandardInput.WriteLineAsync($"dotnet() {{ shift 4; command dotnet '{Path.Combine(AppContext.BaseDirectory, "Modular.Host.dll")}' \"$@\" </dev/null; }}");
        foreach (var line in lines)
            await shell.StandardInput.WriteLineAsync(line);
        shell.StandardInput.Close();
        var said = shell.StandardOutput.ReadToEndAsync();
        var wrong = shell.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            await shell.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!shell.HasExited)
                shell.Kill(entireProcessTree: true);
        }

        Assert.True((await wrong).Length == 0, await wrong + await said);
        return await said;
    }
}
