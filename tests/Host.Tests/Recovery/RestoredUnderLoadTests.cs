using System.Collections.Concurrent;
using Modular.Testing;

namespace Modular.Host.Tests;

/// <summary>The drill of docs/operations.md: a backup taken while people sign up, in and out, brought back elsewhere.</summary>
public sealed class RestoredUnderLoadTests : IDisposable
{
    private const string Password = "four unlikely words 1";

    private readonly ScratchFolder _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task What_was_acknowledged_before_the_backup_is_in_it_and_nobody_is_in_who_was_out()
    {
        await using var database = await TestDatabase.CreateAsync();
        var (live, dead) = (new ConcurrentBag<CookieJar>(), new ConcurrentBag<CookieJar>());
        List<CookieJar> livedBefore, diedBefore;
        await using (var host = await RunningHost.Start(database.ConnectionString))
        {
            using var stop = new CancellationTokenSource();
            var load = Enumerable.Range(0, 4).Select(lane => Task.Run(() => Live(host, lane, live, dead, stop.Token))).ToList();
            while (live.Count < 12 || dead.Count < 12)
                await Task.Delay(20);
            (livedBefore, diedBefore) = ([.. live], [.. dead]);
            var command = new CommandLine(database.ConnectionString);
            Assert.Equal(0, (await command.Run("db", "backup", _scratch["load.zip"])).ExitCode);
            await stop.CancelAsync();
            await Task.WhenAll(load);
        }

        await using var copy = await TestDatabase.CreateAsync();
        var there = new CommandLine(copy.ConnectionString);
        Assert.Equal(0, (await there.Run("db", "restore", _scratch["load.zip"])).ExitCode);
        await using var restored = await RunningHost.Start(copy.ConnectionString);
        foreach (var jar in diedBefore)
            Assert.False(await restored.IsIn(jar), "a session that had ended before the backup is accepted");
        foreach (var jar in livedBefore)
            Assert.True(await restored.IsIn(jar), "a session that had begun before the backup is missing");

        await restored.Sealed();
        await using var numbers = new Numbers(copy.ConnectionString);
        Assert.True(await numbers.Of("select count(*) from audit.search where type = 'session.started.1'") >= livedBefore.Count + diedBefore.Count);
        Assert.True(await numbers.Of("select count(*) from audit.search where type in ('session.revoked.1', 'session.signed_out.1')") >= diedBefore.Count);
        var verified = await there.Run("audit", "verify", "--json");
        Assert.True(verified.Json.GetProperty("ok").GetBoolean(), verified.Output);

        // What ended after the backup lives again in the copy: hence the advice to sign everybody out.
        Assert.Equal(0, (await there.Run("sessions", "revoke", "--all", "--yes")).ExitCode);
        await Task.Delay(200);
        foreach (var jar in live.Concat(dead))
            Assert.False(await restored.IsIn(jar), "somebody is signed in after everybody was signed out");
        Assert.True(await restored.IsIn(await restored.SignIn("0.0@example.com", Password)));
        await restored.Sealed();
        Assert.True((await there.Run("audit", "verify", "--json")).Json.GetProperty("ok").GetBoolean());
    }

    // Somebody signs up and stays; signs in on another device and out again; signs in once more and is revoked from the first.
    private static async Task Live(RunningHost host, int lane, ConcurrentBag<CookieJar> live, ConcurrentBag<CookieJar> dead, CancellationToken ct)
    {
        for (var number = 0; !ct.IsCancellationRequested; number++)
        {
            var email = $"{lane}.{number}@example.com";
            var first = await host.SignUp(email, Password);
            var second = await host.SignIn(email, Password);
            var signedOut = second.Copy();
            await host.Post("/api/auth/sign-out", new { }, second);
            dead.Add(signedOut);
            var third = await host.SignIn(email, Password);
            await host.Post("/api/auth/revoke-other-sessions", new { }, first);
            dead.Add(third);
            live.Add(first);
        }
    }
}
