using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class SignInWithPasskeyTests(App app) : IClassFixture<App>
{
    private static readonly Passkey Counted = new(
        "p", "ada", null, "AA", "AA", Counter: 7, IsSynced: false, BackedUp: false, "", "", new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(7, 8, null)]
    [InlineData(7, 4_294_967_295, null)]
    [InlineData(4_294_967_294, 4_294_967_295, null)]
    [InlineData(0, 0, null)]
    [InlineData(0, 1, null)]
    [InlineData(7, 7, "counter_went_back")]
    [InlineData(7, 6, "counter_went_back")]
    [InlineData(7, 0, "counter_went_back")]
    [InlineData(4_294_967_295, 1, "counter_went_back")]
    public void A_counter_that_is_not_ahead_is_that_of_a_copy(long stored, long given, string? reason) =>
        Assert.Equal(reason, SignInWithPasskey.Decide(Counted with { Counter = stored }, new AssertedKey(given, BackedUp: false)));

    [Fact]
    public void What_is_not_verified_is_not_compared() => Assert.Equal("not_verified", SignInWithPasskey.Decide(Counted, null));

    [Fact]
    public async Task Whoever_has_the_passkey_is_signed_in_without_saying_who_they_are()
    {
        using var key = new SoftAuthenticator { Counter = 2_147_483_647 };
        var ada = await app.SignedUp();
        var id = (await app.RegisterKey(ada.Browser, key)).Json().GetProperty("id").GetString()!;
        var phone = app.Browser();

        var options = await app.SigningIn(phone);
        Assert.Equal(["challenge", "timeout", "rpId", "userVerification"], options.EnumerateObject().Select(member => member.Name));
        var entered = await app.Bring(phone, "authentication", key.Assert(options, app.Truth()));

        Assert.Equal(["session", "user"], entered.Json().EnumerateObject().Select(member => member.Name));
        Assert.Equal(ada.Answer.GetProperty("user").GetRawText(), entered.Json().GetProperty("user").GetRawText());
        var now = (await app.Scenario(_ => _.As(phone).Get.Url("/api/auth/get-session"))).Json();
        Assert.Equal(now.GetProperty("session").GetRawText(), entered.Json().GetProperty("session").GetRawText());
        Assert.Equal(["passkey.added.1", "passkey.used.1"], await app.EventsOf($"passkey:{id}"));
        Assert.Equal("passkey", Assert.Single(await app.Sql(
            "select data ->> 'method' from sessions.mt_events where stream_id = $1", now.GetProperty("session").GetProperty("id").GetString()!))[0]);
        Assert.Equal(2_147_483_648, (await app.PasskeysOf(phone))[0].GetProperty("counter").GetInt64());
    }

    [Fact]
    public async Task A_copied_authenticator_is_refused_and_recorded_from_then_on()
    {
        using var key = new SoftAuthenticator { Counter = 41 };
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        using var copy = key.Copy();
        await app.SignInWith(app.Browser(), key);

        var thief = app.Browser();
        Assert.Equal(PasskeyUse.SignInFailed, (await app.SignInWith(thief, copy, status: 400)).Body);
        Assert.False(await app.HasSession(thief));
        Assert.Equal(["sign_in counter_went_back"], await app.PasskeysRefused(ada.Id));
        Assert.Equal(42, (await app.PasskeysOf(ada.Browser))[0].GetProperty("counter").GetInt64());
        await app.SignInWith(app.Browser(), key);
        Assert.Equal(43, (await app.PasskeysOf(ada.Browser))[0].GetProperty("counter").GetInt64());
    }

    [Fact]
    public async Task Of_two_answers_with_one_count_one_signs_in()
    {
        using var key = new SoftAuthenticator { Counter = 41 };
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        for (var round = 0; round < 5; round++)
        {
            var browsers = Enumerable.Range(0, 6).Select(_ => app.Browser()).ToList();
            var copies = browsers.Select(_ => key.Copy()).ToList();
            var options = await Task.WhenAll(browsers.Select(browser => app.SigningIn(browser)));
            var answers = await Task.WhenAll(browsers.Select((browser, at) =>
                app.Bring(browser, "authentication", copies[at].Assert(options[at], app.Truth()), null)));
            Assert.Single(answers, answer => answer.Status == 200);
            Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal(PasskeyUse.SignInFailed, answer.Body));
            key.Counter++;
            copies.ForEach(copy => copy.Dispose());
        }
    }

    [Fact]
    public async Task Authenticators_that_do_not_count_sign_in_on_many_devices_at_once()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        var browsers = Enumerable.Range(0, 20).Select(_ => app.Browser()).ToList();
        await Task.WhenAll(browsers.Select(browser => app.SignInWith(browser, key)));
        foreach (var browser in browsers)
            Assert.True(await app.HasSession(browser));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_fifty_uses_of_one_answer_one_wins(bool counts)
    {
        using var key = new SoftAuthenticator { Counter = counts ? 1 : null };
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        var (phone, before) = (app.Browser(), await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", ada.Id));
        var response = key.Assert(await app.SigningIn(phone), app.Truth());
        var cookie = phone.CookieHeader;
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookie);
            _.WithRequestHeader("Origin", app.Url);
            _.Post.Json(new { response }).ToUrl("/api/auth/passkey/verify-authentication");
            _.IgnoreStatusCode();
        })));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal(PasskeyUse.ChallengeNotFound, answer.Body));
        Assert.Equal(before + 1, await app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", ada.Id));
    }

    public static TheoryData<string> Lies => [.. RegisterPasskeyTests.Lies, "signature", "another user", "no user", "synced"];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task What_an_authenticator_says_has_to_be_so_here_and_now(string what)
    {
        using var key = new SoftAuthenticator { Counter = 1 };
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        var phone = app.Browser();
        var answer = await app.SignInWith(phone, key, truth => what switch
        {
            "signature" => truth with { IsForged = true },
            "another user" => truth with { UserHandle = "YW5vdGhlcg" },
            "no user" => truth with { UserHandle = "" },
            "synced" => truth with { Flags = AuthenticatorFlags.UserPresent | AuthenticatorFlags.BackupEligible },
            _ => RegisterPasskeyTests.Lie(truth, what),
        }, 400);
        Assert.Equal(PasskeyUse.SignInFailed, answer.Body);
        Assert.False(await app.HasSession(phone));
        Assert.Equal(["sign_in not_verified"], await app.PasskeysRefused(ada.Id));
        // A lie does not move the counter either.
        Assert.Equal(1, (await app.PasskeysOf(ada.Browser))[0].GetProperty("counter").GetInt64());
    }

    [Fact]
    public async Task A_challenge_is_good_once_in_its_browser_and_ceremony_for_five_minutes()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        var (phone, eve) = (app.Browser(), app.Browser());
        var answer = key.Assert(await app.SigningIn(phone), app.Truth());
        await app.SigningIn(eve);
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(app.Browser(), "authentication", answer, 400)).Body);
        Assert.Equal(PasskeyUse.SignInFailed, (await app.Bring(eve, "authentication", answer, 400)).Body);
        await app.Bring(phone, "authentication", answer);
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(phone, "authentication", answer, 400)).Body);

        var late = key.Assert(await app.SigningIn(phone), app.Truth());
        app.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(phone, "authentication", late, 400)).Body);

        // Made for a registration, signed for a sign-in.
        var other = key.Assert(await app.Registering(ada.Browser), app.Truth());
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(ada.Browser, "authentication", other, 400)).Body);
    }

    [Fact]
    public async Task A_failed_try_uses_the_challenge_up()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        var phone = app.Browser();
        var options = await app.SigningIn(phone);
        await app.Bring(phone, "authentication", key.Assert(options, app.Truth() with { IsForged = true }), 400);
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(phone, "authentication", key.Assert(options, app.Truth()), 400)).Body);
    }

    [Fact]
    public async Task A_passkey_that_nobody_has_is_unknown()
    {
        using var key = new SoftAuthenticator();
        Assert.Equal(PasskeyUse.NotFound, (await app.SignInWith(app.Browser(), key, truth => truth with { UserHandle = "AAAA" }, 401)).Body);
        var browser = app.Browser();
        await app.SigningIn(browser);
        Assert.Equal(PasskeyUse.NotFound, (await app.Bring(browser, "authentication", new { id = 1 }, 401)).Body);
        await app.Bring(browser, "authentication", "text", 400);
        Assert.Equal(PasskeyUse.ChallengeNotFound, (await app.Bring(app.Browser(), "authentication", new { }, 400)).Body);
    }

    [Fact]
    public async Task Whoever_is_signed_in_is_asked_for_a_passkey_of_their_own()
    {
        using SoftAuthenticator key = new(), eves = new();
        var (ada, eve) = (await app.SignedUp(), await app.SignedUp());
        await app.RegisterKey(ada.Browser, key);
        await app.RegisterKey(eve.Browser, eves);
        var options = await app.SigningIn(ada.Browser);
        Assert.Equal(key.IdText, Assert.Single(options.GetProperty("allowCredentials").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal(PasskeyUse.SignInFailed, (await app.Bring(ada.Browser, "authentication", eves.Assert(options, app.Truth()), 400)).Body);

        // Then an authenticator need not say whose the passkey is.
        await app.SignInWith(ada.Browser, key, truth => truth with { UserHandle = "" });
    }

    [Fact]
    public async Task A_banned_user_stays_out()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp();
        await app.RegisterKey(ada.Browser, key);
        await app.Sql("update identity.mt_doc_user set banned = true, data = jsonb_set(data, '{banned}', 'true') where id = $1", ada.Id);
        var phone = app.Browser();
        Assert.Contains("BANNED_USER", (await app.SignInWith(phone, key, status: 403)).Body, StringComparison.Ordinal);
        Assert.False(await app.HasSession(phone));
        Assert.Equal(["banned"], await app.Reasons("sign_in.failed.1", ada.Id));
    }

    [Fact]
    public async Task A_browser_that_is_not_remembered_stays_so()
    {
        using var key = new SoftAuthenticator();
        var ada = await app.SignedUp(("rememberMe", false));
        await app.RegisterKey(ada.Browser, key);
        Assert.All((await app.SignInWith(ada.Browser, key)).OwnCookies, cookie => Assert.DoesNotContain("Max-Age", cookie, StringComparison.Ordinal));
    }
}
