namespace Modular.Sessions.Tests;

public sealed class RevokeOtherSessionsTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Url = "/api/auth/revoke-other-sessions";

    [Fact]
    public async Task It_keeps_the_current_one_and_other_people()
    {
        var bystander = await app.SignedIn();
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person, "Phone/1");
        var tablet = await app.SignedIn(laptop.Person, "Tablet/1");

        for (var i = 0; i < 2; i++)
            Assert.Equal("""{"status":true}""", (await app.Post(phone.Browser, Url, new { })).Body);

        Assert.Equal(
            (false, true, false, true),
            (await app.IsSignedIn(laptop), await app.IsSignedIn(phone), await app.IsSignedIn(tablet), await app.IsSignedIn(bystander)));
        Assert.Equal(["session.started.1 password", "session.revoked.1 revoked_by_user"], await app.History(tablet.SessionId));
        Assert.Equal(["session.started.1 password"], await app.History(phone.SessionId));
    }

    [Fact]
    public async Task Nobody_is_401() => Assert.Equal(401, (await app.Post(app.Browser(), Url, new { })).Status);
}
