using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class EmailOtpTests(App app) : IClassFixture<App>
{
    private const string NewOne = "a-new-password-1";
    private const string Gone = """{"message":"User not found","code":"USER_NOT_FOUND"}""";

    [Fact]
    public async Task A_code_signs_somebody_new_up_once()
    {
        var (address, browser) = (People.NewAddress(), app.Browser());
        var code = await app.Code(address, "sign-in");
        Assert.Equal(Codes.Invalid, (await app.SignInByCode(address, Codes.Wrong(code), 400)).Body);
        var json = (await app.SignInByCode(address, code, browser: browser)).Json();
        Assert.Equal(["token", "user"], json.EnumerateObject().Select(member => member.Name));
        Assert.True(json.GetProperty("user").GetProperty("emailVerified").GetBoolean());
        var id = json.GetProperty("user").GetProperty("id").GetString()!;
        Assert.Contains(id, await app.SessionText(browser), StringComparison.Ordinal);
        Assert.Equal(Codes.Invalid, (await app.SignInByCode(address, code, 400)).Body);
        Assert.Equal(["user.registered.1", "email_code.used.1"], await app.EventsOf(id));
        Assert.Equal(["no_code"], await app.Reasons("sign_in.failed.1", id));

        var again = await app.SignInByCode(address.ToUpperInvariant(), await app.Code(address, "sign-in"));
        Assert.Equal(id, again.Json().GetProperty("user").GetProperty("id").GetString());
    }

    [Fact]
    public async Task The_fourth_guess_ends_the_code()
    {
        var ada = await app.SignedUp();
        var code = await app.Code(ada.Email, "sign-in");
        for (var guess = 0; guess < 3; guess++)
            Assert.Equal(Codes.Invalid, (await app.SignInByCode(ada.Email, Codes.Wrong(code), 400)).Body);
        Assert.Equal(Codes.TooMany, (await app.SignInByCode(ada.Email, code, 403)).Body);
        Assert.Equal(Codes.Invalid, (await app.SignInByCode(ada.Email, code, 400)).Body);
        Assert.Equal(
            ["wrong_code", "wrong_code", "wrong_code", "too_many_attempts", "no_code"], await app.Reasons("sign_in.failed.1", ada.Id));
    }

    [Fact]
    public async Task A_code_is_over_after_five_minutes_and_the_newest_is_the_one()
    {
        var ada = await app.SignedUp();
        var first = await app.Code(ada.Email, "sign-in");
        var second = await app.Code(ada.Email, "sign-in");
        if (first != second)
            Assert.Equal(Codes.Invalid, (await app.SignInByCode(ada.Email, first, 400)).Body);
        app.Clock.Advance(TimeSpan.FromMinutes(5.1));
        Assert.Equal(Codes.Expired, (await app.SignInByCode(ada.Email, second, 400)).Body);
        Assert.Equal(Codes.Invalid, (await app.SignInByCode(ada.Email, second, 400)).Body);
    }

    [Fact]
    public async Task Of_fifty_wrong_guesses_at_once_on_two_nodes_three_are_compared()
    {
        var ada = await app.SignedUp();
        await using var node = await app.AnotherNode();
        var code = await app.Code(ada.Email, "sign-in");
        var wrong = Enumerable.Range(0, 50).Select(at => Codes.Wrong(code)).ToList();
        var results = await Task.WhenAll(wrong.Select((guess, at) => (at % 2 == 0 ? app : node).SignInByCodeAnyhow(ada.Email, guess)));
        Assert.All(results, result => Assert.True(result.Status is 400 or 403, result.Body));
        Assert.Equal(3, (await app.Reasons("sign_in.failed.1", ada.Id)).Count(reason => reason == "wrong_code"));
        Assert.Equal(1, (await app.Reasons("sign_in.failed.1", ada.Id)).Count(reason => reason == "too_many_attempts"));
        await app.SignInByCode(ada.Email, code, 400);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_fifty_uses_of_the_right_code_at_once_on_two_nodes_one_signs_in(bool isKnown)
    {
        var address = isKnown ? (await app.SignedUp()).Email : People.NewAddress();
        await using var node = await app.AnotherNode();
        var code = await app.Code(address, "sign-in");
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => (at % 2 == 0 ? app : node).SignInByCodeAnyhow(address, code)));
        Assert.Single(results, result => result.Status == 200);
        Assert.All(results.Where(result => result.Status != 200), result => Assert.Equal((400, Codes.Invalid), (result.Status, result.Body)));
    }

    [Fact]
    public async Task A_code_is_good_for_its_own_address_and_kind_alone()
    {
        var (ada, bob) = (await app.SignedUp(), await app.SignedUp());
        var code = await app.Code(ada.Email, "email-verification");
        await app.AskCode(bob.Email, "email-verification");
        await app.AskCode(ada.Email, "sign-in");
        await app.Settled();
        await app.SignInByCode(ada.Email, code, 400);
        await app.SignInByCode(bob.Email, code, 400);
        await Check(bob.Email, "email-verification", code, 400);
        await Check(ada.Email, "email-verification", code);
    }

    [Fact]
    public async Task Asking_and_guessing_tell_nobody_who_is_registered()
    {
        var (known, nobody) = ((await app.SignedUp()).Email, People.NewAddress());
        foreach (var type in (string[])["email-verification", "forget-password"])
        {
            foreach (var address in (string[])[known, nobody])
            {
                Assert.Equal(Codes.Sent, (await app.AskCode(address, type)).Body);
                await app.Settled();
                for (var guess = 0; guess < 3; guess++)
                    Assert.Equal(Codes.Invalid, (await Check(address, type, "not it", 400)).Body);
                Assert.Equal(Codes.TooMany, (await Check(address, type, "not it", 403)).Body);
            }
        }

        Assert.Equal(2, (await app.MailsTo(known)).Count);
        Assert.Empty(await app.MailsTo(nobody));
        foreach (var path in (string[])["email-otp/request-password-reset", "forget-password/email-otp"])
            Assert.Equal(Codes.Sent, (await app.Post($"/api/auth/{path}", new() { ["email"] = nobody })).Body);
    }

    [Fact]
    public async Task A_check_uses_nothing_up_but_counts_what_is_wrong()
    {
        var ada = await app.SignedUp();
        var code = await app.Code(ada.Email, "email-verification");
        await Check(ada.Email, "email-verification", code);
        await Check(ada.Email, "email-verification", code);
        await Check(ada.Email, "email-verification", Codes.Wrong(code), 400);
        await Check(ada.Email, "email-verification", Codes.Wrong(code), 400);
        await Check(ada.Email, "email-verification", Codes.Wrong(code), 400);
        await Check(ada.Email, "email-verification", code, 403);

        var nobody = People.NewAddress();
        Assert.Equal(Gone, (await Check(nobody, "sign-in", await app.Code(nobody, "sign-in"), 400)).Body);
    }

    [Fact]
    public async Task A_code_verifies_an_address_once_and_signs_nobody_in()
    {
        var ada = await app.SignedUp();
        var code = await app.Code(ada.Email, "email-verification");
        var verified = await app.Post("/api/auth/email-otp/verify-email", new() { ["email"] = ada.Email, ["otp"] = code });
        Assert.Equal((true, null as string), (verified.Json().GetProperty("status").GetBoolean(), verified.Json().GetProperty("token").GetString()));
        Assert.True(verified.Json().GetProperty("user").GetProperty("emailVerified").GetBoolean());
        Assert.Empty(verified.SetCookies);
        Assert.Equal(["email_otp"], await app.Reasons("user.email_verified.1", ada.Id));
        Assert.Equal(Codes.Invalid, (await app.Post("/api/auth/email-otp/verify-email", new() { ["email"] = ada.Email, ["otp"] = code }, 400)).Body);
    }

    [Fact]
    public async Task A_code_sets_a_new_password_verifies_the_address_and_ends_every_session()
    {
        var ada = await app.SignedUp();
        await app.Post("/api/auth/email-otp/request-password-reset", new() { ["email"] = ada.Email });
        var code = await app.MailedCode(ada.Email);
        Assert.Contains("PASSWORD_TOO_SHORT", (await Reset(ada.Email, code, "short", 400)).Body, StringComparison.Ordinal);
        Assert.Contains("PASSWORD_TOO_LONG", (await Reset(ada.Email, code, new string('x', 129), 400)).Body, StringComparison.Ordinal);
        Assert.Contains("PASSWORD_COMPROMISED", (await Reset(ada.Email, code, ada.Email, 400)).Body, StringComparison.Ordinal);
        Assert.Equal(Codes.Sent, (await Reset(ada.Email, code, NewOne)).Body);
        Assert.Equal("null", await app.SessionText(ada.Browser));
        await app.SignIn(ada.Email, NewOne);
        Assert.Equal(Codes.Invalid, (await Reset(ada.Email, code, NewOne, 400)).Body);
        Assert.Equal(
            ["user.registered.1", "email_code.sent.1", "email_code.used.1", "user.email_verified.1", "password.reset.1"], await app.EventsOf(ada.Id));
    }

    [Fact]
    public async Task A_code_for_a_new_password_is_void_once_another_was_set()
    {
        var ada = await app.SignedUp();
        var code = await app.Code(ada.Email, "forget-password");
        await app.Scenario(_ => _.As(ada.Browser)
            .Post.Json(new { currentPassword = People.Password, newPassword = NewOne }).ToUrl("/api/auth/change-password"));
        Assert.Equal(Codes.Invalid, (await Reset(ada.Email, code, "another-password-1", 400)).Body);
    }

    [Fact]
    public async Task A_code_at_a_new_address_makes_it_the_users()
    {
        var (ada, bob, address) = (await app.SignedUp(), await app.SignedUp(), People.NewAddress());
        Assert.Equal("""{"message":"Email is the same"}""", (await Ask(ada, ada.Email, 400)).Body);
        Assert.Contains("INVALID_EMAIL", (await Ask(ada, "nope", 400)).Body, StringComparison.Ordinal);
        Assert.Equal(Codes.Sent, (await Ask(ada, address)).Body);
        var code = await app.MailedCode(address);
        await Change(bob, address, code, 400);
        await Change(ada, People.NewAddress(), code, 400);
        var changed = await Change(ada, address, code);
        Assert.Equal(Codes.Sent, changed.Body);
        Assert.Single(changed.SetCookies);
        Assert.Contains(address, await app.SessionText(ada.Browser), StringComparison.Ordinal);
        Assert.Contains("\"emailVerified\":true", await app.SessionText(ada.Browser), StringComparison.Ordinal);
        Assert.Equal("The address of your account at 127.0.0.1 was changed", (await app.MailsTo(ada.Email))[^1].Subject());
        Assert.Equal(
            ["user.registered.1", "user.email_change_code_sent.1", "email_code.used.1", "user.email_changed.1"], await app.EventsOf(ada.Id));
        await app.Post("/api/auth/email-otp/request-email-change", new() { ["newEmail"] = address }, 401);
        await app.Post("/api/auth/email-otp/change-email", new() { ["newEmail"] = address, ["otp"] = code }, 401);
        await app.Post("/api/auth/email-otp/change-email", new() { ["otp"] = code }, 400);
    }

    [Fact]
    public async Task An_address_that_somebody_has_gets_the_same_answer_and_no_mail()
    {
        var (ada, bob) = (await app.SignedUp(), await app.SignedUp());
        Assert.Equal(Codes.Sent, (await Ask(ada, bob.Email)).Body);
        Assert.Empty(await app.MailsTo(bob.Email));
        Assert.Equal(["email_taken"], await app.Reasons("user.email_change_refused.1", ada.Id));

        var address = People.NewAddress();
        await Ask(ada, address);
        var code = await app.MailedCode(address);
        await app.SignUp(People.SigningUp(("email", address)));
        Assert.Equal("""{"message":"Email already in use"}""", (await Change(ada, address, code, 400)).Body);
    }

    [Fact]
    public async Task A_code_for_another_address_is_void_once_the_owner_ends_sessions()
    {
        var (ada, intruders) = (await app.SignedUp(), People.NewAddress());
        var stolen = app.Browser();
        await app.Scenario(_ => _.As(stolen).Post.Json(new { email = ada.Email, password = People.Password }).ToUrl("/api/auth/sign-in/email"));
        await Ask(ada with { Browser = stolen }, intruders);
        var code = await app.MailedCode(intruders);
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { }).ToUrl("/api/auth/revoke-other-sessions"));
        await app.Settled();
        Assert.Equal(Codes.Invalid, (await Change(ada, intruders, code, 400)).Body);
    }

    [Theory]
    [InlineData("""{"email":"a@example.com","type":"change-email"}""", """{"message":"Invalid OTP type"}""")]
    [InlineData("""{"email":"nope","type":"sign-in"}""", """{"message":"Invalid email","code":"INVALID_EMAIL"}""")]
    [InlineData("""{"email":"a@example.com"}""", """{"message":"[body.type] Invalid option: expected one of \"email-verification\"|\"sign-in\"|\"forget-password\"|\"change-email\"","code":"VALIDATION_ERROR"}""")]
    public async Task Bad_input_is_refused(string body, string answer) => await app.Scenario(_ =>
    {
        _.Post.RawJson(body).ToUrl("/api/auth/email-otp/send-verification-otp");
        _.StatusCodeShouldBe(400);
        _.ContentShouldBe(answer);
    });

    [Fact]
    public async Task Neither_code_nor_address_of_nobody_is_in_the_database_in_clear()
    {
        var address = People.NewAddress();
        var code = await app.Code(address, "sign-in");
        await app.MagicLink(address);
        var link = await app.LinkTo(address);
        var token = link[(link.IndexOf("token=", StringComparison.Ordinal) + 6)..link.IndexOf('&', StringComparison.Ordinal)];
        foreach (var table in await app.Sql(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"))
        {
            foreach (var secret in (string[])[address, token])
                Assert.Equal(0, await app.Count($"select count(*) from {table[0]} t where t::text like $1", $"%{secret}%"));
        }

        Assert.Equal(0, await app.Count("select count(*) from identity.email_codes where code is not null and (code = $1 or length(code) <> 43)", code));
    }

    private Task<ScenarioResult> Check(string email, string type, string otp, int status = 200) =>
        app.Post("/api/auth/email-otp/check-verification-otp", new() { ["email"] = email, ["type"] = type, ["otp"] = otp }, status);

    private Task<ScenarioResult> Reset(string email, string otp, string password, int status = 200) =>
        app.Post("/api/auth/email-otp/reset-password", new() { ["email"] = email, ["otp"] = otp, ["password"] = password }, status);

    private Task<ScenarioResult> Ask(Person person, string newEmail, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(new { newEmail }).ToUrl("/api/auth/email-otp/request-email-change");
        _.StatusCodeShouldBe(status);
    });

    private Task<ScenarioResult> Change(Person person, string newEmail, string otp, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(new { newEmail, otp }).ToUrl("/api/auth/email-otp/change-email");
        _.StatusCodeShouldBe(status);
    });
}

public sealed class ConfirmedEmailChangeByCodeTests(ConfirmedEmailChangeByCodeTests.Server app) : IClassFixture<ConfirmedEmailChangeByCodeTests.Server>
{
    public sealed class Server() : App(new() { ["Auth:ConfirmEmailChange"] = "true", ["Auth:SignInAfterVerification"] = "true" });

    [Fact]
    public async Task A_verified_user_brings_a_code_from_the_old_address_first()
    {
        var ada = await app.SignedUp();
        var verified = await app.Post(
            "/api/auth/email-otp/verify-email", new() { ["email"] = ada.Email, ["otp"] = await app.Code(ada.Email, "email-verification") });
        Assert.NotNull(verified.Json().GetProperty("token").GetString());
        Assert.Single(verified.OwnCookies);

        var address = People.NewAddress();
        Assert.Equal("""{"message":"OTP is required to verify current email"}""", (await Ask(ada, address, null, 400)).Body);
        Assert.Equal(Codes.Invalid, (await Ask(ada, address, "000000", 400)).Body);
        var code = await app.Code(ada.Email, "email-verification");
        await Ask(ada, address, code);
        Assert.Equal(Codes.Invalid, (await Ask(ada, address, code, 400)).Body);
        Assert.Single(await app.MailsTo(address));
    }

    private Task<ScenarioResult> Ask(Person person, string newEmail, string? otp, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(otp is null ? new Dictionary<string, string> { ["newEmail"] = newEmail } : new() { ["newEmail"] = newEmail, ["otp"] = otp })
            .ToUrl("/api/auth/email-otp/request-email-change");
        _.StatusCodeShouldBe(status);
    });
}

public sealed class GuessedCodesTests(GuessedCodesTests.Server app) : IClassFixture<GuessedCodesTests.Server>
{
    private static int addresses;

    /// <summary>Five failures are free over all codes; requests from one address are not counted.</summary>
    public sealed class Server() : App(new()
    {
        ["RateLimiting:Enabled"] = "true",
        ["RateLimiting:Rules:*"] = "1000000 per 10 s",
        ["RateLimiting:Passwords:FreeFailures"] = "5",
        ["RateLimiting:Passwords:MaxFailures"] = "7",
        ["Modular:ForwardedFor"] = "true",
    });

    [Fact]
    public async Task Guesses_are_counted_over_all_codes_of_an_address_and_keep_nobody_from_a_password()
    {
        var ada = await Registered();
        foreach (var type in (string[])["sign-in", "email-verification"])
        {
            await Post("send-verification-otp", new { email = ada, type }, NewIp());
            await app.Settled();
            for (var guess = 0; guess < (type == "sign-in" ? 3 : 2); guess++)
                Assert.Equal(400, (await Post("check-verification-otp", new { email = ada, type, otp = "wrong" }, NewIp())).Status);
        }

        var refused = await Post("check-verification-otp", new { email = ada, type = "email-verification", otp = "wrong" }, NewIp());
        Assert.Equal(429, refused.Status);
        Assert.NotNull(refused.Header("X-Retry-After"));
        await app.Scenario(_ =>
        {
            _.Post.Json(new { email = ada, password = People.Password }).ToUrl("/api/auth/sign-in/email");
            _.WithRequestHeader("X-Forwarded-For", NewIp());
        });
    }

    private async Task<string> Registered()
    {
        var body = People.SigningUp();
        await app.Scenario(_ =>
        {
            _.Post.Json(body).ToUrl("/api/auth/sign-up/email");
            _.WithRequestHeader("X-Forwarded-For", NewIp());
        });
        return (string)body["email"]!;
    }

    private Task<ScenarioResult> Post(string path, object body, string ip) => app.Scenario(_ =>
    {
        _.Post.Json(body).ToUrl($"/api/auth/email-otp/{path}");
        _.WithRequestHeader("X-Forwarded-For", ip);
        _.IgnoreStatusCode();
    });

    private static string NewIp() => $"198.51.100.{Interlocked.Increment(ref addresses)}";
}
