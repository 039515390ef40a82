using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>What an auditor does from a shell: keep a checkpoint, take an export away, check both later.</summary>
public sealed class ProofCommandTests(App app) : IClassFixture<App>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("modular-proof-").FullName;

    private CommandLine Commands => new(app.ConnectionString);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_checkpoint_that_was_kept_tells_whether_the_log_is_still_the_same()
    {
        await SignUp("keeper@example.com");
        var checkpoint = await Commands.Run("audit", "checkpoint");
        Assert.Equal(0, checkpoint.ExitCode);
        var kept = Path.Combine(_folder, "kept.txt");
        await File.WriteAllTextAsync(kept, checkpoint.Output);
        var keys = await Commands.Run("audit", "keys", "--json");
        var key = keys.Json.GetProperty("keys")[0].GetProperty("key").GetString()!;
        Assert.StartsWith(checkpoint.Output.Split('\n')[0], key, StringComparison.Ordinal);

        await SignUp("later@example.com");
        var right = await Commands.Run("audit", "verify", "--checkpoint", kept, "--key", key, "--json");
        Assert.Equal((0, true), (right.ExitCode, right.Json.GetProperty("ok").GetBoolean()));

        await File.WriteAllTextAsync(kept, checkpoint.Output.Replace("\n\n", "\nchanged\n\n", StringComparison.Ordinal));
        var spoilt = await Commands.Run("audit", "verify", "--checkpoint", kept, "--key", key, "--json");
        Assert.Equal((1, "checkpoint_signature"), (spoilt.ExitCode, spoilt.Json.GetProperty("problem").GetString()));
        await File.WriteAllTextAsync(kept, "nothing of the kind");
        Assert.Equal((1, "The checkpoint that was kept is no signed checkpoint."), await Commands.Run("audit", "verify", "--checkpoint", kept) is var none ? (none.ExitCode, none.Error.Trim()) : default);
    }

    [Fact]
    public async Task An_export_is_checked_without_a_database()
    {
        await SignUp("exported@example.com");
        var file = Path.Combine(_folder, "log.ndjson");
        var export = await Commands.Run("audit", "export", file, "--from", "1", "--json");
        Assert.Equal((0, 1), (export.ExitCode, export.Json.GetProperty("from").GetInt64()));
        var key = (await Commands.Run("audit", "keys", "--json")).Json.GetProperty("keys")[0].GetProperty("key").GetString()!;

        // A connection string that leads nowhere: nothing is asked of it.
        var elsewhere = new CommandLine("Host=127.0.0.1;Port=1;Database=nowhere;Username=nobody");
        var right = await elsewhere.Run("audit", "verify", file, "--key", key, "--json");
        Assert.Equal((0, true, 1), (right.ExitCode, right.Json.GetProperty("isSigned").GetBoolean(), right.Json.GetProperty("from").GetInt64()));
        var unsigned = await elsewhere.Run("audit", "verify", file);
        Assert.Equal(0, unsigned.ExitCode);
        Assert.Contains("nobody vouches", unsigned.Error, StringComparison.Ordinal);

        var lines = await File.ReadAllLinesAsync(file);
        lines[1] = lines[1].Replace("\\\"v\\\":1", "\\\"v\\\":2", StringComparison.Ordinal);
        await File.WriteAllLinesAsync(file, lines);
        var wrong = await elsewhere.Run("audit", "verify", file, "--key", key);
        Assert.Equal((1, "Entry 2 is not right: leaf_hash. Those before it are."), (wrong.ExitCode, wrong.Output.Trim()));
    }

    [Fact]
    public async Task A_key_is_replaced_and_what_was_signed_before_stays_right()
    {
        await SignUp("rotated@example.com");
        await Commands.Run("audit", "checkpoint");
        var rotated = await Commands.Run("audit", "rotate-key", "--json");
        Assert.Equal(0, rotated.ExitCode);
        await app.Settled();
        var keys = (await Commands.Run("audit", "keys", "--json")).Json.GetProperty("keys");
        Assert.Equal(rotated.Json.GetProperty("key").GetString(), keys[0].GetProperty("key").GetString());
        Assert.Equal(0, (await Commands.Run("audit", "verify")).ExitCode);
        Assert.Contains((await Commands.Run("audit", "tail", "--type", "log.key_rotated.1")).Lines, line => line.Contains("log.key_rotated.1", StringComparison.Ordinal));
    }

    private async Task SignUp(string email)
    {
        await app.Scenario(_ => _.Post.Json(new { name = "Ada", email, password = "a long password" }).ToUrl("/api/auth/sign-up/email"));
        await app.Settled();
    }
}
