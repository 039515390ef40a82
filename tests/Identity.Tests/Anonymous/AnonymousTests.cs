using System.Text.Json;
using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class AnonymousTests(App app) : IClassFixture<App>
{
    private const string Again =
        """{"message":"Anonymous users cannot sign in again anonymously","code":"ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY"}""";

    [Fact]
    public async Task Somebody_who_does_not_say_who_they_are_has_a_user_of_their_own()
    {
        var (browser, user) = await SignedIn();
        Assert.Equal(("Anonymous", true, false), (user.GetProperty("name").GetString(), user.GetProperty("isAnonymous").GetBoolean(), user.GetProperty("emailVerified").GetBoolean()));
        Assert.EndsWith(".anonymous.invalid", user.GetProperty("email").GetString(), StringComparison.Ordinal);
        var session = (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Json();
        Assert.True(session.GetProperty("user").GetProperty("isAnonymous").GetBoolean());
        Assert.Equal(["user.registered.1"], await app.EventsOf(user.GetProperty("id").GetString()!));
    }

    [Fact]
    public async Task They_are_not_anonymous_twice()
    {
        var (browser, _) = await SignedIn();
        Assert.Equal(Again, (await Post(browser, "/sign-in/anonymous", 400)).Body);
    }

    [Fact]
    public async Task They_delete_what_there_is_of_them()
    {
        var (browser, user) = await SignedIn();
        var id = user.GetProperty("id").GetString()!;
        var answer = await Post(browser, "/delete-anonymous-user", 200);
        Assert.Equal("""{"success":true}""", answer.Body);
        Assert.Contains(answer.SetCookies, cookie => cookie.StartsWith("better-auth.session_token=; Max-Age=0", StringComparison.Ordinal));
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_user where id = $1", id));
        Assert.Equal(0, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", id));
        Assert.Equal(0, await app.Count("select count(*) from neon_auth.users_sync where id = $1", id));
    }

    [Fact]
    public async Task Who_is_somebody_deletes_nothing_this_way()
    {
        var ada = await app.SignedUp();
        Assert.Equal("""{"message":"User is not anonymous","code":"USER_IS_NOT_ANONYMOUS"}""", (await Post(ada.Browser, "/delete-anonymous-user", 403)).Body);
        Assert.Equal(["not_anonymous"], await app.DeletionsRefused(ada.Id));
        await Post(app.Browser(), "/delete-anonymous-user", 401);
    }

    [Fact]
    public async Task No_mail_goes_to_an_address_that_nobody_can_have()
    {
        var (browser, user) = await SignedIn();
        await Post(browser, "/delete-anonymous-user", 200);
        await app.Settled();
        Assert.Equal("[]", (await app.Scenario(_ => _.Get.Url($"/dev/mailbox?to={user.GetProperty("email").GetString()}"))).Body);
    }

    private async Task<(Browser Browser, JsonElement User)> SignedIn()
    {
        var browser = app.Browser();
        return (browser, (await Post(browser, "/sign-in/anonymous", 200)).Json().GetProperty("user"));
    }

    private Task<ScenarioResult> Post(Browser browser, string path, int status) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(new { }).ToUrl("/api/auth" + path);
        _.StatusCodeShouldBe(status);
    });
}

public sealed class NobodyAnonymous() : App(new() { ["Auth:Groups:anonymous"] = "false" });

public sealed class AnonymousOff(NobodyAnonymous app) : IClassFixture<NobodyAnonymous>
{
    [Theory]
    [InlineData("/api/auth/sign-in/anonymous")]
    [InlineData("/api/auth/delete-anonymous-user")]
    public async Task Switched_off_the_routes_are_unknown(string path) => Assert.Equal("", (await app.Post(path, [], 404)).Body);
}
