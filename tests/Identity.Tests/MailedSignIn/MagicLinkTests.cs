using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class MagicLinkTests(App app) : IClassFixture<App>
{
    private const string InvalidToken = "/err?error=INVALID_TOKEN";

    [Fact]
    public async Task A_link_signs_somebody_new_up_and_leads_to_the_page_for_new_users()
    {
        var (address, browser) = (People.NewAddress(), app.Browser());
        var link = await app.MagicLink(address, ("name", "Magic"), ("callbackURL", "/dash"), ("newUserCallbackURL", "/new"), ("errorCallbackURL", "/err"));
        Assert.EndsWith("&callbackURL=%2Fdash&newUserCallbackURL=%2Fnew&errorCallbackURL=%2Ferr", link, StringComparison.Ordinal);
        var opened = await app.Open(link, browser);
        Assert.Equal((302, $"{app.Url}/new", ""), (opened.Status, opened.Header("Location"), opened.Body));
        Assert.Contains("\"emailVerified\":true", await app.SessionText(browser), StringComparison.Ordinal);

        var user = (await app.Sql("select id, name from identity.mt_doc_user where email = $1", address))[0];
        Assert.Equal("Magic", user[1]);
        Assert.Equal(["user.registered.1", "magic_link.used.1"], await app.EventsOf((string)user[0]!));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_account where user_id = $1", user[0]!));
        Assert.Equal((302, app.Url + InvalidToken), await Target(link));
    }

    [Fact]
    public async Task Who_is_known_is_led_to_the_page_of_everybody_and_without_one_gets_json()
    {
        var address = People.NewAddress();
        Assert.Equal((302, $"{app.Url}/"), await Target(await app.MagicLink(address)));
        Assert.Equal((302, $"{app.Url}/dash"), await Target(await app.MagicLink(address, ("callbackURL", "/dash"), ("newUserCallbackURL", "/new"))));
        var json = (await app.Open(Codes.Bare(await app.MagicLink(address)))).Json();
        Assert.Equal(["token", "user", "session"], json.EnumerateObject().Select(member => member.Name));
        Assert.Equal(json.GetProperty("token").GetString(), json.GetProperty("session").GetProperty("token").GetString());
        Assert.Equal(address, json.GetProperty("user").GetProperty("email").GetString());
    }

    [Fact]
    public async Task What_opens_nothing_leads_to_the_page_for_errors()
    {
        const string Verify = "/api/auth/magic-link/verify?token=bad";
        Assert.Equal((302, $"{app.Url}/?error=INVALID_TOKEN"), await Target(Verify));
        Assert.Equal((302, $"{app.Url}/dash?x=1&error=INVALID_TOKEN"), await Target($"{Verify}&callbackURL=%2Fdash%3Fx%3D1"));
        Assert.Equal((302, app.Url + InvalidToken), await Target($"{Verify}&callbackURL=%2Fdash&errorCallbackURL=%2Ferr"));
        foreach (var parameter in (string[])["callbackURL", "newUserCallbackURL", "errorCallbackURL"])
        {
            var evil = await app.Open($"{Verify}&{parameter}=https%3A%2F%2Fevil.test");
            Assert.Equal((403, """{"message":"Invalid callbackURL","code":"INVALID_CALLBACK_URL"}"""), (evil.Status, evil.Body));
        }

        Assert.Equal(400, (await app.Open("/api/auth/magic-link/verify")).Status);
        var bad = await app.Post("/api/auth/sign-in/magic-link", new() { ["email"] = "nope" }, 400);
        Assert.Equal("""{"message":"[body.email] Invalid email address","code":"VALIDATION_ERROR"}""", bad.Body);
        await app.Post("/api/auth/sign-in/magic-link", new() { ["email"] = "a@example.com", ["errorCallbackURL"] = "https://evil.test" }, 403);
    }

    [Fact]
    public async Task A_link_is_over_after_five_minutes()
    {
        var ada = await app.SignedUp();
        var link = await app.MagicLink(ada.Email, ("errorCallbackURL", "/err"));
        app.Clock.Advance(TimeSpan.FromMinutes(5.1));
        Assert.Equal((302, app.Url + InvalidToken), await Target(link));
        Assert.Equal(["link_expired"], await app.Reasons("sign_in.failed.1", ada.Id));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_fifty_uses_at_once_one_signs_in(bool isKnown)
    {
        var address = isKnown ? (await app.SignedUp()).Email : People.NewAddress();
        await using var node = await app.AnotherNode();
        var link = Codes.Bare(await app.MagicLink(address));
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => (at % 2 == 0 ? app : node).Open(link)));
        Assert.Single(results, result => result.Status == 200);
        Assert.All(results.Where(result => result.Status != 200), result => Assert.Equal(
            (302, "/?error=INVALID_TOKEN"), (result.Status, new Uri(result.Header("Location")!).PathAndQuery)));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where email = $1", address));
    }

    /// <summary>Somebody registered the owner's address, and waits.</summary>
    [Theory]
    [InlineData("magic_link")]
    [InlineData("email_otp")]
    public async Task Who_registered_an_address_unproven_keeps_nothing_once_its_owner_comes(string way)
    {
        var squatter = await app.SignedUp(("name", "Squatter"));
        await app.Post("/api/auth/request-password-reset", new() { ["email"] = squatter.Email });
        var reset = await app.LinkTo(squatter.Email);
        await app.Scenario(_ => _.As(squatter.Browser).Post.Json(new { newEmail = "squatter@example.com" }).ToUrl("/api/auth/change-email"));
        var change = await app.LinkTo("squatter@example.com");

        var owner = app.Browser();
        if (way == "magic_link")
            await app.Open(await app.MagicLink(squatter.Email), owner);
        else
            await app.SignInByCode(squatter.Email, await app.Code(squatter.Email, "sign-in"), browser: owner);

        Assert.Equal("null", await app.SessionText(squatter.Browser));
        Assert.Contains(squatter.Id, await app.SessionText(owner), StringComparison.Ordinal);
        await app.SignIn(squatter.Email, status: 401);
        Assert.Contains("error=INVALID_TOKEN", (await app.Open(reset)).Header("Location"), StringComparison.Ordinal);
        Assert.Contains("error=INVALID_TOKEN", (await app.Open(change)).Header("Location"), StringComparison.Ordinal);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_account where user_id = $1", squatter.Id));
        Assert.Equal([way], await app.Reasons("user.email_verified.1", squatter.Id));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'account.unlinked.1' and data ->> 'userId' = $1", squatter.Id));

        // Verified now: what the owner sets from here on stays.
        await app.Post("/api/auth/request-password-reset", new() { ["email"] = squatter.Email });
        var token = (await app.LinkTo(squatter.Email))["/api/auth/reset-password/".Length..].Split('?')[0];
        await app.Post("/api/auth/reset-password", new() { ["newPassword"] = "the-owner's-own-1", ["token"] = token });
        await app.Open(await app.MagicLink(squatter.Email));
        await app.SignIn(squatter.Email, "the-owner's-own-1");
    }

    [Fact]
    public async Task Who_is_banned_is_not_let_in()
    {
        var ada = await app.SignedUp();
        var link = await app.MagicLink(ada.Email);
        await app.Ban(ada.Id);
        var opened = await app.Open(link);
        Assert.Equal(403, opened.Status);
        Assert.Contains("BANNED_USER", opened.Body, StringComparison.Ordinal);
        Assert.Empty(opened.SetCookies);
        Assert.Equal(["banned"], await app.Reasons("sign_in.failed.1", ada.Id));
        await app.SignInByCode(ada.Email, await app.Code(ada.Email, "sign-in"), 403);
    }

    [Fact]
    public async Task A_mailbox_is_not_filled_and_one_refusal_an_hour_is_told()
    {
        foreach (var address in (string[])[(await app.SignedUp()).Email, People.NewAddress()])
        {
            for (var ask = 0; ask < 8; ask++)
            {
                await app.Post("/api/auth/sign-in/magic-link", new() { ["email"] = address });
                await app.AskCode(address, "sign-in");
            }

            Assert.Equal(10, (await app.MailsTo(address)).Count);
        }

        Assert.Equal(4, await app.Count("select count(*) from identity.mt_events where type = 'user.mail_not_sent.1'"));
    }

    [Fact]
    public async Task A_user_who_is_deleted_takes_their_links_and_codes_along()
    {
        var ada = await app.SignedUp();
        await app.MagicLink(ada.Email);
        await app.Code(ada.Email, "sign-in");
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user"));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_verification where user_id = $1", ada.Id));
        Assert.Equal(0, await app.Count("select count(*) from identity.email_codes where user_id = $1", ada.Id));
    }

    [Fact]
    public void Nobody_new_comes_in_where_sign_up_is_not_allowed()
    {
        var now = DateTimeOffset.UtcNow;
        var ada = User.Create(new UserRegistered("1", "Ada", "ada@example.com", null, false, User.DefaultRole, now));
        Assert.Equal(MailboxSignIn.SignUpDisabled, MailboxSignIn.Decide(null, allowsSignUp: false, now).Refusal);
        Assert.Null(MailboxSignIn.Decide(null, allowsSignUp: true, now).Refusal);
        Assert.Null(MailboxSignIn.Decide(ada, allowsSignUp: false, now).Refusal);
        Assert.Equal(Admission.Banned, MailboxSignIn.Decide(ada with { Banned = true }, allowsSignUp: true, now).Refusal);
    }

    private async Task<(int, string?)> Target(string link)
    {
        var opened = await app.Open(link);
        return (opened.Status, opened.Header("Location"));
    }
}

public sealed class ClosedMailedSignInTests(ClosedMailedSignInTests.Server app) : IClassFixture<ClosedMailedSignInTests.Server>
{
    public sealed class Server() : App(new() { ["Auth:AllowSignUp"] = "false" });

    [Fact]
    public async Task A_link_to_nobody_s_address_makes_nobody()
    {
        var address = People.NewAddress();
        var link = await app.MagicLink(address, ("errorCallbackURL", "/err"));
        Assert.Equal($"{app.Url}/err?error=new_user_signup_disabled", (await app.Open(link)).Header("Location"));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_user where email = $1", address));
    }

    [Fact]
    public async Task No_code_goes_to_nobody_s_address_and_guessing_at_it_answers_as_everywhere()
    {
        var address = People.NewAddress();
        Assert.Equal(Codes.Sent, (await app.AskCode(address, "sign-in")).Body);
        Assert.Empty(await app.MailsTo(address));
        for (var guess = 0; guess < 3; guess++)
            Assert.Equal(Codes.Invalid, (await app.SignInByCode(address, "000000", 400)).Body);
        Assert.Equal(Codes.TooMany, (await app.SignInByCode(address, "000000", 403)).Body);
    }
}

public sealed class MailedSignInOffTests(MailedSignInOffTests.Server app) : IClassFixture<MailedSignInOffTests.Server>
{
    public sealed class Server() : App(new() { ["Auth:Groups:magic-link"] = "false", ["Auth:Groups:email-otp"] = "false" });

    [Theory]
    [InlineData("sign-in/magic-link")]
    [InlineData("sign-in/email-otp")]
    [InlineData("email-otp/send-verification-otp")]
    [InlineData("email-otp/check-verification-otp")]
    [InlineData("email-otp/verify-email")]
    [InlineData("email-otp/request-password-reset")]
    [InlineData("forget-password/email-otp")]
    [InlineData("email-otp/reset-password")]
    [InlineData("email-otp/request-email-change")]
    [InlineData("email-otp/change-email")]
    public async Task A_group_that_is_off_is_not_there(string path)
    {
        Assert.Equal("", (await app.Post($"/api/auth/{path}", new() { ["email"] = "a@example.com" }, 404)).Body);
        Assert.Equal(404, (await app.Open("/api/auth/magic-link/verify?token=x")).Status);
    }
}
