namespace Modular.Sessions.Tests;

public sealed class EndSessionsOfUserTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    [Fact]
    public void A_session_that_is_over_is_said_to_have_expired()
    {
        var end = Some.Noon.AddHours(8);
        Assert.Equal(new SessionRevoked("5e55", "ada", "banned", Some.Noon), EndSessionsOfUser.Decide(Some.Session, "banned", Some.Noon));
        Assert.Equal(new SessionExpired("5e55", "ada", end, end), EndSessionsOfUser.Decide(Some.Session, "banned", end));
        Assert.Null(EndSessionsOfUser.Decide(null, "banned", Some.Noon));
    }

    [Fact]
    public async Task It_ends_all_but_one_and_counts_them()
    {
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person);
        var tablet = await app.SignedIn(laptop.Person);

        Assert.Equal(2, await app.Send(new Contracts.EndSessionsOfUser(laptop.Person.Id, "password_changed", laptop.SessionId)));

        Assert.Equal((true, false, false), (await app.IsSignedIn(laptop), await app.IsSignedIn(phone), await app.IsSignedIn(tablet)));
        Assert.Equal(["session.started.1 password", "session.revoked.1 password_changed"], await app.History(phone.SessionId));
        Assert.Equal(1, await app.Send(new Contracts.EndSessionsOfUser(laptop.Person.Id, "user_deleted")));
        Assert.Equal(0, await app.Send(new Contracts.EndSessionsOfUser(laptop.Person.Id, "user_deleted")));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", laptop.Person.Id));
    }

    [Fact]
    public async Task It_ends_hundreds_of_sessions_in_one_commit()
    {
        var person = await app.Registered();
        for (var i = 0; i < 300; i += 10)
            await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Send(new Contracts.StartSession(person.Id, true, "password"))));

        Assert.Equal(300, await app.Send(new Contracts.EndSessionsOfUser(person.Id, "banned")));

        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", person.Id));
        Assert.Equal(1, await app.Count(
            "select count(distinct xact) from sessions.mt_events where type = 'session.revoked.1' and data ->> 'userId' = $1", person.Id));
    }
}
