using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Modular.Sessions.Tests;

public sealed class PruneExpiredSessionsTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private ExpiredSessionsSweep TheSweep => app.Services.GetServices<IHostedService>().OfType<ExpiredSessionsSweep>().Single();

    [Fact]
    public void Only_what_is_over_expires()
    {
        var end = Some.Noon.AddHours(8);
        Assert.Null(PruneExpiredSessions.Decide(Some.Session, end.AddTicks(-1)));
        Assert.Null(PruneExpiredSessions.Decide(null, end));
        Assert.Equal(new SessionExpired("5e55", "ada", end, end.AddHours(1)), PruneExpiredSessions.Decide(Some.Session, end.AddHours(1)));
    }

    [Fact]
    public async Task The_sweep_ends_what_is_over_once_and_leaves_the_rest()
    {
        var old = await app.SignedIn();
        app.Clock.Advance(TimeSpan.FromHours(9));
        var laptop = await app.SignedIn(old.Person);

        await TheSweep.Sweep(default);
        Assert.Equal(0L, await TheSweep.Sweep(default));

        Assert.Equal(["session.started.1 password", "session.expired.1"], await app.History(old.SessionId));
        Assert.Null(await app.Row(old.SessionId));
        Assert.Equal(["session.started.1 password"], await app.History(laptop.SessionId));
        Assert.True(await app.IsSignedIn(laptop));
        SessionsApp.AssertCleared(await app.GetSession(old.Browser));
    }

    [Fact]
    public async Task Many_are_ended_in_short_commits()
    {
        app.Clock.Advance(TimeSpan.FromDays(1));
        await TheSweep.Sweep(default);
        var person = await app.Registered();
        for (var i = 0; i < 600; i += 10)
            await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Send(new Contracts.StartSession(person.Id, true, "password"))));
        app.Clock.Advance(TimeSpan.FromHours(8));

        Assert.Equal(600L, await TheSweep.Sweep(default));

        var chunks = await app.Sql(
            "select count(*) from sessions.mt_events where type = 'session.expired.1' and data ->> 'userId' = $1 group by xact order by 1 desc", person.Id);
        Assert.Equal([250L, 250L, 100L], chunks.Select(chunk => (long)chunk[0]!));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", person.Id));
    }

    [Fact]
    public async Task While_another_node_is_at_it_nothing_is_done()
    {
        await using var other = new NpgsqlConnection(app.ConnectionString);
        await other.OpenAsync();
        await using var hold = new NpgsqlCommand("select pg_advisory_lock(hashtextextended('sessions/prune', 0))", other);
        await hold.ExecuteNonQueryAsync();

        Assert.Null(await TheSweep.Sweep(default));
    }
}
