namespace Modular.Sessions.Tests;

public sealed class RevokeSessionsTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string Url = "/api/auth/revoke-sessions";

    [Fact]
    public async Task It_ends_every_device_and_clears_no_cookie_yet()
    {
        var bystander = await app.SignedIn();
        var laptop = await app.SignedIn();
        var phone = await app.SignedIn(laptop.Person, "Phone/1");

        var answer = await app.Post(laptop.Browser, Url, new { });

        Assert.Equal((200, """{"status":true}"""), (answer.Status, answer.Body));
        Assert.Empty(answer.SetCookies);
        Assert.Equal((false, false, true), (await app.IsSignedIn(laptop), await app.IsSignedIn(phone), await app.IsSignedIn(bystander)));
        Assert.Equal(["session.started.1 password", "session.revoked.1 revoked_by_user"], await app.History(phone.SessionId));
        SessionsApp.AssertCleared(await app.GetSession(laptop.Browser));
    }

    [Fact]
    public async Task It_needs_no_body_but_a_session()
    {
        var laptop = await app.SignedIn();
        await app.Scenario(_ => _.As(laptop.Browser).Post.Url(Url));

        Assert.False(await app.IsSignedIn(laptop));
        Assert.Equal(401, (await app.Post(laptop.Browser, Url, new { })).Status);
    }

    [Fact]
    public async Task In_parallel_from_every_device_each_ends_once()
    {
        var person = await app.Registered();
        var devices = new List<Device>();
        for (var i = 0; i < 6; i++)
            devices.Add(await app.SignedIn(person));

        var answers = await Task.WhenAll(devices.Select(device => app.Post(device.Browser, Url, new { })));

        // A device whose session was ended before its own request was checked is told so.
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 401));
        foreach (var device in devices)
            Assert.Equal(["session.started.1 password", "session.revoked.1 revoked_by_user"], await app.History(device.SessionId));
    }
}
