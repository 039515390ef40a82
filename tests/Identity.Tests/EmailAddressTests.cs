using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class EmailAddressTests(App app) : IClassFixture<App>
{
    private const string Done = """{"status":true}""";

    [Fact]
    public async Task The_mailed_link_verifies_the_address_and_succeeds_again()
    {
        var ada = await app.SignedUp();
        Assert.Equal(Done, (await Send(ada.Email, ada.Browser)).Body);
        var link = await app.LinkTo(ada.Email);
        Assert.EndsWith("&callbackURL=%2Fwelcome", link, StringComparison.Ordinal);
        await Redirects(link, "/welcome");
        Assert.True((await UserOf(ada)).GetProperty("emailVerified").GetBoolean());
        Assert.Equal("""{"status":true,"user":null}""", (await app.Scenario(_ => _.Get.Url(link.Split('&')[0]))).Body);
        Assert.Equal(["user.registered.1", "user.verification_link_sent.1", "user.email_verified.1"], await app.EventsOf(ada.Id));
        Assert.Equal(true, (await app.Sql("select raw_json -> 'emailVerified' = 'true'::jsonb from neon_auth.users_sync where id = $1", ada.Id))[0][0]);

        Assert.Equal(
            """{"message":"Email is already verified","code":"EMAIL_ALREADY_VERIFIED"}""", (await Send(ada.Email, ada.Browser, 400)).Body);
    }

    [Fact]
    public async Task A_bad_or_old_link_says_so()
    {
        var ada = await app.SignedUp();
        await Send(ada.Email, ada.Browser);
        var link = await app.LinkTo(ada.Email);
        Assert.Equal("""{"message":"Invalid token","code":"INVALID_TOKEN"}""", (await Open("/api/auth/verify-email?token=bad")).Body);
        await Redirects("/api/auth/verify-email?token=bad&callbackURL=%2Fwelcome%3Fa%3D1", "/welcome?a=1&error=INVALID_TOKEN");
        app.Clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal("""{"message":"Token expired","code":"TOKEN_EXPIRED"}""", (await Open(link.Split('&')[0])).Body);
        await Redirects(link, "/welcome?error=TOKEN_EXPIRED");
        Assert.DoesNotContain("user.email_verified.1", await app.EventsOf(ada.Id));
        Assert.Equal(["token_expired", "token_expired"], await app.Reasons("user.email_link_refused.1", ada.Id));
    }

    [Fact]
    public async Task Signed_in_only_the_own_address_may_be_asked_for_and_signed_out_nobody_learns_whose_it_is()
    {
        var (ada, eve, nobody) = (await app.SignedUp(), await app.SignedUp(), People.NewAddress());
        Assert.Equal("""{"message":"Email mismatch","code":"EMAIL_MISMATCH"}""", (await Send(ada.Email, eve.Browser, 400)).Body);
        Assert.Equal(Done, (await Send(ada.Email)).Body);
        Assert.Equal(Done, (await Send(nobody)).Body);
        Assert.Single(await app.MailsTo(ada.Email));
        Assert.Empty(await app.MailsTo(nobody));
    }

    [Fact]
    public async Task The_link_to_a_new_address_changes_it_and_tells_the_old_one()
    {
        var ada = await app.SignedUp();
        var address = People.NewAddress();
        Assert.Equal(Done, (await Change(ada, address.ToUpperInvariant())).Body);
        Assert.Equal(ada.Email, (await UserOf(ada)).GetProperty("email").GetString());
        var link = await app.LinkTo(address);

        var changed = await app.Scenario(_ => _.As(ada.Browser).Get.Url(link.Split('&')[0]));
        Assert.Equal(address, changed.Json().GetProperty("user").GetProperty("email").GetString());
        Assert.True(changed.Json().GetProperty("user").GetProperty("emailVerified").GetBoolean());
        Assert.Single(changed.OwnCookies);
        Assert.Equal(address, (await UserOf(ada)).GetProperty("email").GetString());
        await app.SignIn(address);
        await app.SignIn(ada.Email, status: 401);
        Assert.Equal("The address of your account at 127.0.0.1 was changed", (await app.MailsTo(ada.Email))[^1].Subject());
        Assert.Equal([address], (await app.Sql("select email from neon_auth.users_sync where id = $1", ada.Id))[0]);

        // Once: it is void now.
        Assert.Equal("""{"message":"Invalid token","code":"INVALID_TOKEN"}""", (await Open(link.Split('&')[0])).Body);
    }

    [Fact]
    public async Task Opened_where_nobody_is_signed_in_the_link_signs_in()
    {
        var (ada, address) = (await app.SignedUp(), People.NewAddress());
        await Change(ada, address);
        var link = await app.LinkTo(address);
        var browser = app.Browser();
        await app.Scenario(_ =>
        {
            _.As(browser).Get.Url(link);
            _.StatusCodeShouldBe(302);
            _.HeaderShouldBe("Location", "/changed");
        });
        var session = await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"));
        Assert.Equal(address, session.Json().GetProperty("user").GetProperty("email").GetString());
    }

    [Fact]
    public async Task Somebody_elses_browser_changes_nothing()
    {
        var (ada, eve, address) = (await app.SignedUp(), await app.SignedUp(), People.NewAddress());
        await Change(ada, address);
        var link = (await app.LinkTo(address)).Split('&')[0];
        var refused = await app.Scenario(_ =>
        {
            _.As(eve.Browser).Get.Url(link);
            _.StatusCodeShouldBe(401);
        });
        Assert.Equal("""{"message":"Invalid user","code":"INVALID_USER"}""", refused.Body);
        Assert.Equal(["invalid_user"], await app.Reasons("user.email_link_refused.1", ada.Id));
        await Open(link, 200);
    }

    [Fact]
    public async Task A_link_to_an_address_that_was_changed_since_is_void_and_that_is_in_the_log()
    {
        var (ada, address) = (await app.SignedUp(), People.NewAddress());
        await Send(ada.Email, ada.Browser);
        var stale = (await app.LinkTo(ada.Email)).Split('&')[0];
        await Change(ada, address);
        await Open((await app.LinkTo(address)).Split('&')[0], 200);
        Assert.Equal("""{"message":"User not found","code":"USER_NOT_FOUND"}""", (await Open(stale)).Body);
        Assert.Equal(["address_changed"], await app.Reasons("user.email_link_refused.1", ada.Id));
    }

    [Fact]
    public async Task Of_eight_wishes_at_once_five_are_mailed_and_the_log_says_once_that_there_were_too_many()
    {
        var (ada, addresses) = (await app.SignedUp(), Enumerable.Range(0, 8).Select(_ => People.NewAddress()).ToList());
        var cookies = ada.Browser.CookieHeader;
        await Task.WhenAll(addresses.Select(newEmail => app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("Origin", app.Url);
            _.Post.Json(new { newEmail }).ToUrl("/api/auth/change-email");
        })));
        var mails = 0;
        foreach (var address in addresses)
            mails += (await app.MailsTo(address)).Count;
        Assert.Equal(5, mails);
        Assert.Equal(5, (await app.EventsOf(ada.Id)).Count(type => type == "user.email_change_link_sent.1"));
        Assert.Equal(["too_many_links"], await app.Reasons("user.link_not_sent.1", ada.Id));
        Assert.Equal(0, await app.Count("select count(*) from messaging.dead_letters"));
    }

    [Fact]
    public async Task An_address_that_somebody_has_gets_the_same_answer_and_no_mail()
    {
        var (ada, eve) = (await app.SignedUp(), await app.SignedUp());
        Assert.Equal(Done, (await Change(eve, ada.Email)).Body);
        Assert.Empty(await app.MailsTo(ada.Email));
        Assert.Equal(["user.registered.1", "user.email_change_refused.1"], await app.EventsOf(eve.Id));
        Assert.Equal("""{"message":"Email is the same"}""", (await Change(eve, eve.Email, 400)).Body);
        Assert.Equal("""{"message":"[body.newEmail] Invalid email address","code":"VALIDATION_ERROR"}""", (await Change(eve, "nope", 400)).Body);
    }

    [Fact]
    public async Task An_address_that_was_taken_before_the_link_was_opened_stays_taken()
    {
        var (ada, address) = (await app.SignedUp(), People.NewAddress());
        await Change(ada, address);
        var link = (await app.LinkTo(address)).Split('&')[0];
        await app.SignedUp(("email", address));
        Assert.Equal("""{"message":"User already exists.","code":"USER_ALREADY_EXISTS"}""", (await Open(link)).Body);
        Assert.Equal(["email_taken"], await app.Reasons("user.email_link_refused.1", ada.Id));
        Assert.Equal(ada.Email, (await UserOf(ada)).GetProperty("email").GetString());
    }

    private Task<ScenarioResult> Send(string email, Browser? browser = null, int status = 200) => app.Scenario(_ =>
    {
        (browser is null ? _ : _.As(browser)).Post.Json(new { email, callbackURL = "/welcome" }).ToUrl("/api/auth/send-verification-email");
        _.StatusCodeShouldBe(status);
    });

    private Task<ScenarioResult> Change(Person person, string newEmail, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(new { newEmail, callbackURL = "/changed" }).ToUrl("/api/auth/change-email");
        _.StatusCodeShouldBe(status);
    });

    private Task<ScenarioResult> Open(string link, int status = 401) => app.Scenario(_ =>
    {
        _.Get.Url(link);
        _.StatusCodeShouldBe(status);
    });

    private Task<ScenarioResult> Redirects(string link, string target) => app.Scenario(_ =>
    {
        _.Get.Url(link);
        _.StatusCodeShouldBe(302);
        _.HeaderShouldBe("Location", target);
    });

    private async Task<System.Text.Json.JsonElement> UserOf(Person person) =>
        (await app.Scenario(_ => _.As(person.Browser).Get.Url("/api/auth/get-session"))).Json().GetProperty("user");
}

/// <summary>Nobody signs in before their address is verified; the old address is asked; links delete accounts.</summary>
public sealed class StrictApp() : App(new()
{
    ["Auth:RequireEmailVerification"] = "true",
    ["Auth:SignInAfterVerification"] = "true",
    ["Auth:ConfirmEmailChange"] = "true",
    ["Auth:ConfirmDeletion"] = "true",
});

public sealed class StrictEmailAddressTests(StrictApp app) : IClassFixture<StrictApp>
{
    [Fact]
    public async Task Nobody_signs_in_before_the_link_which_signs_in_once()
    {
        var ada = People.SigningUp(("callbackURL", "/hello"));
        var (email, signedUp) = ((string)ada["email"]!, await app.SignUp(ada));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, signedUp.Json().GetProperty("token").ValueKind);
        Assert.Equal("""{"message":"Email not verified","code":"EMAIL_NOT_VERIFIED"}""", (await app.SignIn(email, status: 403)).Body);
        Assert.Equal(People.WrongCredentials, (await app.SignIn(email, "not-the-password", status: 401)).Body);

        // One for the sign-up, one for the sign-in that knew the password.
        Assert.Equal(2, (await app.MailsTo(email)).Count);
        var link = await app.LinkTo(email);
        var (first, second) = (app.Browser(), app.Browser());
        foreach (var browser in (Browser[])[first, second])
        {
            await app.Scenario(_ =>
            {
                _.As(browser).Get.Url(link);
                _.StatusCodeShouldBe(302);
            });
        }

        Assert.Contains("better-auth.session_token", first.Cookies.Keys);
        Assert.Empty(second.Cookies);
        await app.SignIn(email);
    }

    [Fact]
    public async Task Signing_up_again_is_answered_alike_and_the_mail_is_sent_again_while_the_address_is_unverified()
    {
        var ada = People.SigningUp();
        var (first, again) = (await app.SignUp(ada), await app.SignUp(ada));
        Assert.Equal(Shape(first), Shape(again));
        Assert.NotEqual(Id(first), Id(again));
        Assert.Equal(2, (await app.MailsTo((string)ada["email"]!)).Count);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where email = $1", ada["email"]!));
    }

    [Fact]
    public async Task A_verified_address_is_asked_before_the_new_one()
    {
        var (ada, browser, address) = (await Verified(), app.Browser(), People.NewAddress());
        await SignIn(ada, browser);
        await app.Scenario(_ => _.As(browser).Post.Json(new { newEmail = address }).ToUrl("/api/auth/change-email"));
        Assert.Empty(await app.MailsTo(address));
        var allow = (await app.LinkTo(ada)).Split('&')[0];
        Assert.Equal("""{"status":true,"user":null}""", (await app.Scenario(_ => _.As(browser).Get.Url(allow))).Body);
        var changed = await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"));
        Assert.Equal(ada, changed.Json().GetProperty("user").GetProperty("email").GetString());
        var id = changed.Json().GetProperty("user").GetProperty("id").GetString()!;
        Assert.Equal("user.email_change_allowed.1", (await app.EventsOf(id))[^1]);
        var confirm = (await app.LinkTo(address)).Split('&')[0];
        var done = await app.Scenario(_ => _.As(browser).Get.Url(confirm));
        Assert.Equal(address, done.Json().GetProperty("user").GetProperty("email").GetString());
    }

    [Fact]
    public async Task Deleting_takes_the_mailed_link_in_the_users_own_browser()
    {
        var (ada, browser) = (await Verified(), app.Browser());
        await SignIn(ada, browser);
        var asked = await app.Scenario(_ => _.As(browser).Post.Json(new { callbackURL = "/bye" }).ToUrl("/api/auth/delete-user"));
        Assert.Equal("""{"success":true,"message":"Verification email sent"}""", asked.Body);
        var link = await app.LinkTo(ada);

        var eve = app.Browser();
        await SignIn(await Verified(), eve);
        var foreign = await app.Scenario(_ =>
        {
            _.As(eve).Get.Url(link);
            _.StatusCodeShouldBe(404);
        });
        Assert.Equal("""{"message":"Invalid token","code":"INVALID_TOKEN"}""", foreign.Body);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'user.deletion_refused.1' and data ->> 'reason' = 'token_of_another_user'"));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'user.deletion_link_sent.1'"));

        var elsewhere = await app.Scenario(_ =>
        {
            _.Get.Url(link);
            _.StatusCodeShouldBe(404);
        });
        Assert.Equal("""{"message":"Failed to get user info","code":"FAILED_TO_GET_USER_INFO"}""", elsewhere.Body);
        var bad = await app.Scenario(_ =>
        {
            _.As(browser).Get.Url("/api/auth/delete-user/callback?token=bad");
            _.StatusCodeShouldBe(404);
        });
        Assert.Equal("""{"message":"Invalid token","code":"INVALID_TOKEN"}""", bad.Body);
        await app.Scenario(_ =>
        {
            _.As(browser).Get.Url(link);
            _.StatusCodeShouldBe(302);
            _.HeaderShouldBe("Location", "/bye");
        });
        Assert.DoesNotContain("better-auth.session_token", browser.Cookies.Keys);
        Assert.Equal(0, await app.Count("select count(*) from neon_auth.users_sync where email = $1", ada));
    }

    private async Task<string> Verified()
    {
        var ada = People.SigningUp();
        await app.SignUp(ada);
        var link = await app.LinkTo((string)ada["email"]!);
        await app.Scenario(_ =>
        {
            _.Get.Url(link);
            _.StatusCodeShouldBe(302);
        });
        return (string)ada["email"]!;
    }

    private Task<ScenarioResult> SignIn(string email, Browser browser) =>
        app.Scenario(_ => _.As(browser).Post.Json(new { email, password = People.Password }).ToUrl("/api/auth/sign-in/email"));

    private static string Id(ScenarioResult result) => result.Json().GetProperty("user").GetProperty("id").GetString()!;

    private static IEnumerable<string> Shape(ScenarioResult result) =>
        result.Json().GetProperty("user").EnumerateObject().Select(member => member.Name is "id" or "createdAt" or "updatedAt" ? member.Name : member.ToString());
}
