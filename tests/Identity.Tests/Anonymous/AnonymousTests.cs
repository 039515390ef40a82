using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Messaging;
using Modular.Store;
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

    [Theory]
    [InlineData("/sign-up/email")]
    [InlineData("/sign-in/email")]
    public async Task Who_says_later_who_they_are_is_linked_and_stays_until_applications_have_moved_what_is_theirs(string path)
    {
        var email = People.NewAddress();
        if (path == "/sign-in/email")
            await app.SignUp(People.SigningUp(("email", email)));
        var (browser, guest) = await SignedIn();
        var old = app.Browser();
        foreach (var (name, value) in browser.Cookies)
            old.Put(name, value);
        var id = guest.GetProperty("id").GetString()!;

        var ada = (await app.Scenario(_ => _.As(browser).Post.Json(People.SigningUp(("email", email))).ToUrl("/api/auth" + path))).Json().GetProperty("user");

        Assert.Equal(["user.registered.1", "user.anonymous_linked.1"], await app.EventsOf(id));
        Assert.Equal("null", (await app.Scenario(_ => _.As(old).Get.Url("/api/auth/get-session"))).Body);
        Assert.Equal(
            ada.GetProperty("id").GetString(), (await app.Sql("select raw_json ->> 'linkedTo' from neon_auth.users_sync where id = $1", id))[0][0]);

        await Deliver(new AnonymousUserStale(id));
        Assert.Equal(0, await app.Count("select count(*) from neon_auth.users_sync where id = $1", id));
    }

    [Fact]
    public async Task A_stranger_who_signs_in_in_the_browser_of_somebody_takes_nothing_from_them()
    {
        var ada = await app.SignedUp();
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(People.SigningUp()).ToUrl("/api/auth/sign-up/email"));
        Assert.Equal(["user.registered.1"], await app.EventsOf(ada.Id));
    }

    [Fact]
    public async Task Who_has_got_an_address_meanwhile_is_not_forgotten()
    {
        var ada = await app.SignedUp();
        await Deliver(new AnonymousUserStale(ada.Id));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = $1", ada.Id));
    }

    [Fact]
    public async Task Who_comes_back_with_a_passkey_is_not_forgotten_until_they_are_somebody()
    {
        using var key = new SoftAuthenticator();
        var (browser, user) = await SignedIn();
        var id = user.GetProperty("id").GetString()!;
        await app.RegisterKey(browser, key);
        await Deliver(new AnonymousUserStale(id));
        await app.SignInWith(app.Browser(), key);

        await app.Scenario(_ => _.As(browser).Post.Json(People.SigningUp()).ToUrl("/api/auth/sign-up/email"));
        Assert.Equal(PasskeyUse.NotFound, (await app.SignInWith(app.Browser(), key, status: 401)).Body);
        await Deliver(new AnonymousUserStale(id));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_passkey where user_id = $1", id));
    }

    private async Task Deliver(AnonymousUserStale message)
    {
        await using (var scope = app.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(message);
            await scope.ServiceProvider.GetRequiredService<IDocumentSession>().SaveChangesAsync();
        }

        await app.Settled();
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
