using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class TwoFactorTests(App app) : IClassFixture<App>
{
    private const string InvalidCookie = """{"message":"Invalid two factor cookie","code":"INVALID_TWO_FACTOR_COOKIE"}""";
    private const string InvalidCode = """{"message":"Invalid code","code":"INVALID_CODE"}""";
    private const string InvalidPassword = """{"message":"Invalid password","code":"INVALID_PASSWORD"}""";

    [Fact]
    public async Task An_app_is_in_force_once_a_code_of_it_was_shown_and_replaces_the_session()
    {
        var ada = await app.SignedUp();
        Assert.Equal(InvalidPassword, (await app.Factor(ada.Browser, "enable", new { password = "not-it-at-all" }, 400)).Body);
        Assert.Contains("TOTP_NOT_ENABLED", (await app.Factor(ada.Browser, "get-totp-uri", new { password = People.Password }, 400)).Body, StringComparison.Ordinal);
        Assert.Contains("TOTP_NOT_ENABLED", (await app.Factor(ada.Browser, "verify-totp", new { code = "123456" }, 400)).Body, StringComparison.Ordinal);
        Assert.Contains("TWO_FACTOR_NOT_ENABLED", (await app.Factor(ada.Browser, "generate-backup-codes", new { password = People.Password }, 400)).Body, StringComparison.Ordinal);
        Assert.Contains("BACKUP_CODES_NOT_ENABLED", (await app.Factor(ada.Browser, "verify-backup-code", new { code = "a" }, 400)).Body, StringComparison.Ordinal);

        var (secret, codes) = await app.Prepare(ada);
        Assert.Equal(10, codes.Distinct().Count());
        Assert.All(codes, code => Assert.Matches("^[a-zA-Z0-9]{5}-[a-zA-Z0-9]{5}$", code));
        Assert.Contains("\"token\"", (await app.Knock(app.Browser(), ada.Email)).Body, StringComparison.Ordinal);
        Assert.Equal(InvalidCode, (await app.Factor(ada.Browser, "verify-totp", new { code = app.WrongCodeOf(secret) }, 401)).Body);

        var (old, before) = (app.Browser(), ada.Browser.Cookies["better-auth.session_token"]);
        old.Put("better-auth.session_token", before);
        var answer = (await app.Factor(ada.Browser, "verify-totp", new { code = app.CodeOf(secret) })).Json();
        Assert.StartsWith(answer.GetProperty("token").GetString()!, before, StringComparison.Ordinal);
        Assert.False(answer.GetProperty("user").GetProperty("twoFactorEnabled").GetBoolean());
        Assert.True(await app.IsIn(ada.Browser));
        Assert.False(await app.IsIn(old));
        Assert.Contains("\"twoFactorEnabled\":true", (await app.Scenario(_ => _.As(ada.Browser).Get.Url("/api/auth/get-session"))).Body, StringComparison.Ordinal);
        Assert.Equal(
            ["two_factor.prepared.1", "two_factor.failed.1", "two_factor.verified.1", "two_factor.enabled.1"], await app.FactorEvents(ada.Id));
        Assert.Contains(await app.MailsTo(ada.Email), mail => mail.Subject().StartsWith("A second factor protects", StringComparison.Ordinal));
        Assert.Equal(0, await app.Count(
            "select count(*) from identity.mt_doc_authenticator where data::text like '%' || $1 || '%' or data::text like '%' || $2 || '%'", Convert.ToHexString(secret), codes[0]));
    }

    [Fact]
    public async Task The_password_alone_starts_no_session_and_a_code_does()
    {
        var ada = await app.Protected();
        var browser = app.Browser();
        var sessions = await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", ada.Id);
        var answer = await app.Knock(browser, ada.Email);
        Assert.Equal("""{"twoFactorRedirect":true,"twoFactorMethods":["totp","otp"]}""", answer.Body);
        Assert.Equal(
            ["better-auth.session_token=; Max-Age=0", "better-auth.session_data=; Max-Age=0"], answer.SetCookies.Take(2).Select(cookie => cookie.Split("; Path")[0]));
        Assert.Matches("^better-auth.two_factor=2fa-.*; Max-Age=600; Path=/; HttpOnly; SameSite=Lax$", answer.OwnCookies[2]);
        Assert.Equal(3, answer.OwnCookies.Count);
        Assert.False(await app.IsIn(browser));
        Assert.Equal(sessions, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", ada.Id));

        Assert.Equal(InvalidCode, (await app.Factor(browser, "verify-totp", new { code = app.WrongCodeOf(ada.Secret) }, 401)).Body);
        var cookie = browser.Cookies["better-auth.two_factor"];
        var entered = await app.Factor(browser, "verify-totp", new { code = app.CodeOf(ada.Secret) });
        Assert.Equal(["token", "user"], entered.Json().EnumerateObject().Select(member => member.Name));
        Assert.Contains("better-auth.two_factor=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax", entered.SetCookies);
        Assert.Equal(2, entered.OwnCookies.Count);
        Assert.True(await app.IsIn(browser));

        // A challenge is good once.
        var again = app.Browser();
        again.Put("better-auth.two_factor", cookie);
        Assert.Equal(InvalidCookie, (await app.Factor(again, "verify-totp", new { code = app.CodeOf(ada.Secret, 1) }, 401)).Body);
        Assert.Equal(InvalidCookie, (await app.Factor(app.Browser(), "verify-totp", new { code = "000000" }, 401)).Body);
        Assert.Equal(InvalidCookie, (await app.Factor(app.Browser(), "send-otp", status: 401)).Body);
    }

    [Fact]
    public async Task A_code_is_accepted_once_whatever_it_is_for()
    {
        var ada = await app.Protected();
        var code = app.CodeOf(ada.Secret);
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code });
        Assert.Equal(InvalidCode, (await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code }, 401)).Body);
        Assert.Equal(InvalidCode, (await app.Factor(ada.Browser, "verify-totp", new { code }, 401)).Body);
        Assert.Equal(InvalidCode, (await app.Factor(ada.Browser, "verify-totp", new { code = app.CodeOf(ada.Secret, -1) }, 401)).Body);
        Assert.Contains("used_code", await app.Reasons("two_factor.failed.1", ada.Id));
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.CodeOf(ada.Secret, 1) });
    }

    [Fact]
    public async Task A_session_that_is_not_remembered_stays_so_through_the_challenge()
    {
        var ada = await app.Protected();
        var browser = await app.Asked(ada.Email, remember: false);
        Assert.Contains("better-auth.dont_remember", browser.Cookies.Keys);
        var entered = await app.Factor(browser, "verify-totp", new { code = app.CodeOf(ada.Secret) });
        Assert.All(entered.SetCookies.Where(cookie => !cookie.Contains("two_factor", StringComparison.Ordinal)), cookie => Assert.DoesNotContain("Max-Age", cookie, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_backup_code_signs_in_once()
    {
        var ada = await app.Protected();
        Assert.Equal(
            """{"message":"Invalid backup code","code":"INVALID_BACKUP_CODE"}""",
            (await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = "aaaaa-bbbbb" }, 401)).Body);
        var browser = await app.Asked(ada.Email);
        await app.Factor(browser, "verify-backup-code", new { code = ada.Codes[0] });
        Assert.True(await app.IsIn(browser));
        await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = ada.Codes[0] }, 401);

        var kept = await app.Asked(ada.Email);
        var looked = await app.Factor(kept, "verify-backup-code", new { code = ada.Codes[1], disableSession = true });
        Assert.Equal(["user"], looked.Json().EnumerateObject().Select(member => member.Name));
        Assert.False(await app.IsIn(kept));

        var fresh = (await app.Factor(ada.Browser, "generate-backup-codes", new { password = People.Password })).Json();
        await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = ada.Codes[2] }, 401);
        await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = fresh.GetProperty("backupCodes")[0].GetString() });
    }

    [Fact]
    public async Task A_mailed_code_signs_in_once_within_three_minutes()
    {
        var ada = await app.Protected();
        var browser = await app.Asked(ada.Email);
        Assert.Equal("""{"message":"OTP has expired","code":"OTP_HAS_EXPIRED"}""", (await app.Factor(browser, "verify-otp", new { code = "123456" }, 400)).Body);
        Assert.Equal("""{"status":true}""", (await app.Factor(browser, "send-otp")).Body);
        var first = await app.FactorCode(ada.Email);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_verification where data::text like '%' || $1 || '%'", first));
        Assert.Equal(InvalidCode, (await app.Factor(browser, "verify-otp", new { code = first == "000000" ? "000001" : "000000" }, 401)).Body);
        Assert.Contains("OTP_HAS_EXPIRED", (await app.Factor(await app.Asked(ada.Email), "verify-otp", new { code = first }, 400)).Body, StringComparison.Ordinal);
        await app.Factor(browser, "send-otp");
        var second = await app.FactorCode(ada.Email);
        if (first != second)
            await app.Factor(browser, "verify-otp", new { code = first }, 401);
        await app.Factor(browser, "verify-otp", new { code = second });
        Assert.True(await app.IsIn(browser));
        var late = await app.Asked(ada.Email);
        await app.Factor(late, "send-otp");
        var code = await app.FactorCode(ada.Email);
        app.Clock.Advance(TimeSpan.FromMinutes(3));
        Assert.Contains("OTP_HAS_EXPIRED", (await app.Factor(late, "verify-otp", new { code }, 400)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mailed_codes_alone_are_in_force_at_once()
    {
        var ada = await app.SignedUp();
        var old = ada.Browser.Cookies["better-auth.session_token"];
        Assert.Equal("""{"method":"otp"}""", (await app.Factor(ada.Browser, "enable", new { password = People.Password, method = "otp" })).Body);
        Assert.NotEqual(old, ada.Browser.Cookies["better-auth.session_token"]);
        var browser = app.Browser();
        Assert.Equal("""{"twoFactorRedirect":true,"twoFactorMethods":["otp"]}""", (await app.Knock(browser, ada.Email)).Body);
        Assert.Contains("TOTP_NOT_ENABLED", (await app.Factor(browser, "verify-totp", new { code = "123456" }, 400)).Body, StringComparison.Ordinal);

        var bob = await app.SignedUp();
        await app.Factor(bob.Browser, "send-otp");
        var answer = (await app.Factor(bob.Browser, "verify-otp", new { code = await app.FactorCode(bob.Email) })).Json();
        Assert.True(answer.GetProperty("user").GetProperty("twoFactorEnabled").GetBoolean());
        Assert.StartsWith(answer.GetProperty("token").GetString()!, bob.Browser.Cookies["better-auth.session_token"], StringComparison.Ordinal);
        Assert.True(await app.IsIn(bob.Browser));
    }

    [Fact]
    public async Task A_trusted_device_is_not_asked_until_its_user_has_another_password()
    {
        var ada = await app.Protected();
        var browser = await app.Asked(ada.Email);
        var entered = await app.Factor(browser, "verify-totp", new { code = app.CodeOf(ada.Secret), trustDevice = true });
        Assert.Contains(entered.SetCookies, cookie => cookie.StartsWith("better-auth.trust_device=", StringComparison.Ordinal) && cookie.Contains("Max-Age=2592000", StringComparison.Ordinal));
        Assert.Contains("better-auth.dont_remember=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax", entered.SetCookies);
        var trust = browser.Cookies["better-auth.trust_device"];
        Assert.Contains("\"redirect\":false", (await app.Knock(browser, ada.Email)).Body, StringComparison.Ordinal);
        Assert.NotEqual(trust, browser.Cookies["better-auth.trust_device"]);

        // What was copied before is worth nothing, and so it is to somebody else.
        var thief = app.Browser();
        thief.Put("better-auth.trust_device", trust);
        Assert.Contains("twoFactorRedirect", (await app.Knock(thief, ada.Email)).Body, StringComparison.Ordinal);
        var bob = await app.Protected();
        var shared = app.Browser();
        shared.Put("better-auth.trust_device", browser.Cookies["better-auth.trust_device"]);
        Assert.Contains("twoFactorRedirect", (await app.Knock(shared, bob.Email)).Body, StringComparison.Ordinal);

        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { currentPassword = People.Password, newPassword = "another-password-1" }).ToUrl("/api/auth/change-password"));
        var pending = browser.Cookies["better-auth.trust_device"];
        Assert.Contains("twoFactorRedirect", (await app.Knock(browser, ada.Email, "another-password-1")).Body, StringComparison.Ordinal);
        Assert.NotEmpty(pending);
        Assert.Contains("two_factor.devices_forgotten.1", await app.FactorEvents(ada.Id));
    }

    [Fact]
    public async Task Without_a_second_factor_again_nothing_of_it_is_left()
    {
        var ada = await app.Protected();
        var trusted = await app.Asked(ada.Email);
        await app.Factor(trusted, "verify-totp", new { code = app.CodeOf(ada.Secret), trustDevice = true });
        var waiting = await app.Asked(ada.Email);
        Assert.Equal(InvalidPassword, (await app.Factor(ada.Browser, "disable", new { password = "not-it-at-all" }, 400)).Body);
        Assert.Equal("""{"status":true}""", (await app.Factor(ada.Browser, "disable", new { password = People.Password })).Body);
        Assert.True(await app.IsIn(ada.Browser));
        Assert.Equal(InvalidCookie, (await app.Factor(waiting, "verify-totp", new { code = app.CodeOf(ada.Secret, 1) }, 401)).Body);
        Assert.Contains("\"redirect\":false", (await app.Knock(app.Browser(), ada.Email)).Body, StringComparison.Ordinal);
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_verification where user_id = $1", ada.Id));
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_authenticator where id = $1", ada.Id));
        Assert.Contains(await app.MailsTo(ada.Email), mail => mail.Subject().EndsWith("has no second factor any more", StringComparison.Ordinal));
        Assert.Equal("""{"status":true}""", (await app.Factor(ada.Browser, "disable", new { password = People.Password })).Body);
        await app.Factor(app.Browser(), "disable", new { password = People.Password }, 401);
    }

    [Fact]
    public async Task Another_app_takes_the_place_of_the_first_once_a_code_of_it_was_shown()
    {
        var ada = await app.Protected();
        var (next, codes) = await app.Prepare(ada.Person);
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.CodeOf(next) }, 401);
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.CodeOf(ada.Secret) });
        await app.Factor(ada.Browser, "verify-totp", new { code = app.CodeOf(next) });
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.CodeOf(ada.Secret, 1) }, 401);
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.CodeOf(next, 1) });
        await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = ada.Codes[0] }, 401);
        await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = codes[0] });
    }

    [Fact]
    public async Task A_challenge_is_void_once_the_password_is_reset_or_its_time_is_over_and_a_ban_stops_it()
    {
        var ada = await app.Protected();
        var waiting = await app.Asked(ada.Email);
        await app.Post("/api/auth/request-password-reset", new() { ["email"] = ada.Email });
        var token = (await app.LinkTo(ada.Email)).Split('?')[0].Split('/')[^1];
        var reset = await app.Post("/api/auth/reset-password", new() { ["newPassword"] = "another-password-1", ["token"] = token });
        Assert.Empty(reset.SetCookies);
        Assert.Equal(InvalidCookie, (await app.Factor(waiting, "verify-totp", new { code = app.CodeOf(ada.Secret) }, 401)).Body);

        var bob = await app.Protected();
        var late = await app.Asked(bob.Email);
        app.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(InvalidCookie, (await app.Factor(late, "verify-totp", new { code = app.CodeOf(bob.Secret) }, 401)).Body);
        Assert.Contains("twoFactorRedirect", (await app.Knock(app.Browser(), bob.Email)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_is_deleted_leaves_nothing_of_it()
    {
        var ada = await app.Protected();
        var trusted = await app.Asked(ada.Email);
        await app.Factor(trusted, "verify-totp", new { code = app.CodeOf(ada.Secret), trustDevice = true });
        var waiting = await app.Asked(ada.Email);
        await app.Factor(waiting, "send-otp");
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user"));
        Assert.Equal(0, await app.Count(
            "select (select count(*) from identity.mt_doc_verification where user_id = $1) + (select count(*) from identity.mt_doc_authenticator where id = $1)", ada.Id));
        Assert.Equal(InvalidCookie, (await app.Factor(waiting, "verify-backup-code", new { code = ada.Codes[0] }, 401)).Body);
    }
}

public sealed class TwoFactorSignInAfterVerificationTests(TwoFactorSignInAfterVerificationTests.Linked app) : IClassFixture<TwoFactorSignInAfterVerificationTests.Linked>
{
    [Fact]
    public async Task A_link_that_verifies_signs_nobody_in_who_has_a_second_factor()
    {
        var ada = await app.Protected();
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { email = ada.Email }).ToUrl("/api/auth/send-verification-email"));
        var (link, browser) = (await app.LinkTo(ada.Email), app.Browser());
        await app.Scenario(_ =>
        {
            _.As(browser).Get.Url(link.Split('&')[0]);
            _.StatusCodeShouldBe(200);
        });
        Assert.False(await app.IsIn(browser));
        Assert.Contains("user.email_verified.1", await app.EventsOf(ada.Id));
    }

    public sealed class Linked() : App(new() { ["Auth:SignInAfterVerification"] = "true" });
}

public sealed class TwoFactorSwitchedOffTests(TwoFactorSwitchedOffTests.Without app) : IClassFixture<TwoFactorSwitchedOffTests.Without>
{
    [Theory]
    [InlineData("enable")]
    [InlineData("disable")]
    [InlineData("get-totp-uri")]
    [InlineData("verify-totp")]
    [InlineData("send-otp")]
    [InlineData("verify-otp")]
    [InlineData("verify-backup-code")]
    [InlineData("generate-backup-codes")]
    public async Task A_group_that_is_off_is_not_there(string path) => Assert.Equal("", (await app.Factor(app.Browser(), path, status: 404)).Body);

    public sealed class Without() : App(new() { ["Auth:Groups:two-factor"] = "false" });
}
