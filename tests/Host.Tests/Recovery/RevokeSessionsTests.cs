using System.Collections.Concurrent;
using Modular.Sessions.Contracts;
using Modular.Testing;

namespace Modular.Host.Tests;

public sealed class RevokeSessionsTests
{
    private const string Password = "four unlikely words 1";

    [Fact]
    public async Task Everybody_is_signed_out_on_both_nodes_while_people_go_on_signing_in_and_checking()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var a = await RunningHost.Start(database.ConnectionString);
        await using var b = await RunningHost.Start(database.ConnectionString);
        var jars = new ConcurrentBag<CookieJar>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async lane =>
        {
            for (var number = 0; number < 5; number++)
                jars.Add(await a.SignUp($"{lane}.{number}@example.com", Password));
        }));
        var before = jars.ToList();
        foreach (var jar in before)
            Assert.True(await a.IsIn(jar) && await b.IsIn(jar));

        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(async lane =>
        {
            for (var round = 0; !stop.IsCancellationRequested; round++)
            {
                var node = (lane + round) % 2 == 0 ? a : b;
                await node.IsIn(before[(lane + round) % before.Count]);
                if (round % 5 == 0)
                    await node.SignIn($"{lane}.0@example.com", Password);
            }
        }).ToList();
        await Task.Delay(200);
        var revoked = await new CommandLine(database.ConnectionString).Run("sessions", "revoke", "--all", "--yes", "--json");
        // What one node has heard the other hears within a moment; a check that has begun before may still end.
        await Task.Delay(200);
        foreach (var jar in before)
            Assert.False(await a.IsIn(jar) || await b.IsIn(jar), "a session from before is accepted");
        await stop.CancelAsync();
        await Task.WhenAll(load);

        Assert.Equal(0, revoked.ExitCode);
        Assert.True(revoked.Json.GetProperty("ended").GetInt64() >= before.Count);
        Assert.True(await a.IsIn(await b.SignIn("0.0@example.com", Password)), "whoever signs in anew is in");
        await a.Settled();
        await using var numbers = new Numbers(database.ConnectionString);
        Assert.Equal(
            revoked.Json.GetProperty("ended").GetInt64(),
            await numbers.Of("select count(*) from sessions.mt_events where type = 'session.revoked.1' and data ->> 'reason' = 'revoked_by_operator'"));
        Assert.True((await new CommandLine(database.ConnectionString).Run("audit", "verify", "--json")).Json.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task One_user_is_signed_out_everywhere_and_nobody_else_is()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await RunningHost.Start(database.ConnectionString);
        var (ada, adaToo, bob) = (await host.SignUp("ada@example.com", Password), await host.SignIn("ada@example.com", Password), await host.SignUp("bob@example.com", Password));
        var command = new CommandLine(database.ConnectionString);
        Assert.True(await host.IsIn(ada) && await host.IsIn(adaToo) && await host.IsIn(bob));

        var revoked = await command.Run("sessions", "revoke", "--user", "ADA@example.com", "--json");
        Assert.Equal(2, revoked.Json.GetProperty("ended").GetInt32());
        await Task.Delay(200);
        Assert.Equal((false, false, true), (await host.IsIn(ada), await host.IsIn(adaToo), await host.IsIn(bob)));
        Assert.Equal(0, (await command.Run("sessions", "revoke", "--user", "ada@example.com", "--json")).Json.GetProperty("ended").GetInt32());
        var unknown = await command.Run("sessions", "revoke", "--user", "nobody@example.com");
        Assert.Equal((1, "Nobody has the address 'nobody@example.com'."), (unknown.ExitCode, unknown.Error.Trim()));
    }

    [Theory]
    [InlineData]
    [InlineData("--all", "--user", "ada@example.com")]
    [InlineData("--all")]
    public async Task Whose_has_to_be_said_and_everybody_confirmed(params string[] words)
    {
        await using var database = await TestDatabase.CreateAsync();
        var command = new CommandLine(database.ConnectionString);
        await command.Run("db", "migrate");
        Assert.Equal(2, (await command.Run(["sessions", "revoke", .. words])).ExitCode);
    }

    [Fact]
    public async Task Stopped_half_way_it_goes_on_where_it_was()
    {
        const int Many = 120;
        await using var database = await TestDatabase.CreateAsync();
        await using var host = await RunningHost.Start(database.ConnectionString);
        await host.SignUp("ada@example.com", Password);
        for (var number = 1; number < Many; number++)
            await host.SignIn("ada@example.com", Password);
        await using var numbers = new Numbers(database.ConnectionString);
        // As if it had been killed after its first commits.
        await host.Send(new RevokeAllSessions(DateTimeOffset.UtcNow, AtMost: 50));
        Assert.Equal(Many - 50, await numbers.Of("select count(*) from sessions.mt_doc_session"));

        var rest = await new CommandLine(database.ConnectionString).Run("sessions", "revoke", "--all", "--yes", "--json");
        Assert.Equal(Many - 50, rest.Json.GetProperty("ended").GetInt64());
        Assert.Equal(0, await numbers.Of("select count(*) from sessions.mt_doc_session"));
        Assert.Equal(Many, await numbers.Of("select count(*) from sessions.mt_events where type = 'session.revoked.1'"));
        Assert.Equal(Many, await numbers.Of("select count(distinct stream_id) from sessions.mt_events where type = 'session.revoked.1'"));
    }
}
