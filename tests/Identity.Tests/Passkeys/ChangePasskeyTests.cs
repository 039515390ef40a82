using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ChangePasskeyTests(App app) : IClassFixture<App>
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_same_name_is_no_change()
    {
        var passkey = new Passkey("p", "ada", "desk", "AA", "AA", 0, false, false, "", "", Noon);
        Assert.Null(RenamePasskey.Decide(passkey, "desk", Noon));
        Assert.Equal(new PasskeyRenamed("ada", "p", "sofa", Noon), RenamePasskey.Decide(passkey, "sofa", Noon));
    }

    [Fact]
    public async Task A_passkey_gets_another_name()
    {
        using var key = new SoftAuthenticator();
        var (ada, id) = await With(key);
        var renamed = await app.AskPasskey(ada.Browser, "update-passkey", new { id, name = " desk " });
        Assert.Equal($$"""{"passkey":{{(await app.PasskeysOf(ada.Browser))[0].GetRawText()}}}""", renamed.Body);
        Assert.Equal("desk", renamed.Json().GetProperty("passkey").GetProperty("name").GetString());
        await app.AskPasskey(ada.Browser, "update-passkey", new { id, name = "desk" });
        await app.SignInWith(app.Browser(), key);
        Assert.Equal(["passkey.added.1", "passkey.renamed.1", "passkey.used.1"], await app.EventsOf($"passkey:{id}"));
    }

    [Fact]
    public async Task A_removed_passkey_signs_nobody_in_and_its_user_is_told()
    {
        using var key = new SoftAuthenticator();
        var (ada, id) = await With(key);
        Assert.Equal("""{"status":true}""", (await app.AskPasskey(ada.Browser, "delete-passkey", new { id })).Body);
        Assert.Equal("[]", (await app.PasskeysOf(ada.Browser)).GetRawText());
        Assert.Equal(PasskeyUse.NotFound, (await app.SignInWith(app.Browser(), key, status: 401)).Body);
        Assert.Equal(PasskeyUse.NotFound, (await app.AskPasskey(ada.Browser, "delete-passkey", new { id }, 404)).Body);
        Assert.Equal(["passkey.added.1", "passkey.removed.1"], await app.EventsOf($"passkey:{id}"));
        Assert.Equal("A passkey was removed from your account at 127.0.0.1", (await app.MailsTo(ada.Email))[^1].Subject());

        // The authenticator may be used again.
        await app.RegisterKey(ada.Browser, key);
    }

    [Fact]
    public async Task Of_fifty_removals_at_once_one_happens()
    {
        using var key = new SoftAuthenticator();
        var (ada, id) = await With(key);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.AskPasskey(ada.Browser, "delete-passkey", new { id }, null)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal(PasskeyUse.NotFound, answer.Body));
        Assert.Equal(["passkey.added.1", "passkey.removed.1"], await app.EventsOf($"passkey:{id}"));
    }

    [Fact]
    public async Task Nobody_changes_what_is_somebody_elses_or_not_there()
    {
        using var key = new SoftAuthenticator();
        var ((ada, id), eve) = (await With(key), await app.SignedUp());
        Assert.Equal("", (await app.AskPasskey(eve.Browser, "delete-passkey", new { id }, 401)).Body);
        Assert.Equal(
            """{"message":"You are not allowed to register this passkey","code":"YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY"}""",
            (await app.AskPasskey(eve.Browser, "update-passkey", new { id, name = "mine" }, 401)).Body);
        Assert.Equal(PasskeyUse.NotFound, (await app.AskPasskey(eve.Browser, "delete-passkey", new { id = "nope" }, 404)).Body);
        Assert.Equal(PasskeyUse.NotFound, (await app.AskPasskey(eve.Browser, "update-passkey", new { id = "nope", name = "x" }, 404)).Body);
        Assert.Equal(
            ["remove passkey_of_another_user", "rename passkey_of_another_user", "remove unknown_passkey", "rename unknown_passkey"],
            await app.PasskeysRefused(eve.Id));
        Assert.Equal("laptop", (await app.PasskeysOf(ada.Browser))[0].GetProperty("name").GetString());
        await app.SignInWith(app.Browser(), key);
    }

    [Theory]
    [InlineData("update-passkey", "{}", 400, "[body.id] Invalid input: expected string, received undefined; [body.name] Invalid input: expected string, received undefined")]
    [InlineData("update-passkey", """{"id":"x","name":"  "}""", 400, "[body.name] Too small: expected string to have >=1 characters")]
    [InlineData("delete-passkey", """{"id":1}""", 400, "[body.id] Invalid input: expected string, received number")]
    [InlineData("delete-passkey", """{"id":"x"}""", 401, "Unauthorized")]
    [InlineData("update-passkey", """{"id":"x","name":"y"}""", 401, "Unauthorized")]
    public async Task What_is_asked_for_is_checked_before_who_asks(string path, string body, int status, string message)
    {
        var answer = await app.Scenario(_ =>
        {
            _.Post.RawJson(body).ToUrl($"/api/auth/passkey/{path}");
            _.StatusCodeShouldBe(status);
        });
        Assert.Equal(message, answer.Json().GetProperty("message").GetString());
    }

    private async Task<(Person Person, string Id)> With(SoftAuthenticator key)
    {
        var ada = await app.SignedUp();
        return (ada, (await app.RegisterKey(ada.Browser, key, more: ("name", "laptop"))).Json().GetProperty("id").GetString()!);
    }
}
