using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>Codes are short: how often they may be tried, also at the same time and on two nodes.</summary>
public sealed class TwoFactorLimitTests(App app) : IClassFixture<App>
{
    private const int Many = 50;

    private static readonly int[] Allowed = [200, 400, 401, 429];

    [Fact]
    public async Task The_sixth_code_of_a_challenge_is_not_compared_and_the_challenge_is_void()
    {
        var ada = await app.Protected();
        var browser = await app.Asked(ada.Email);
        var cookie = browser.Cookies["better-auth.two_factor"];
        for (var guess = 0; guess < 5; guess++)
            await app.Factor(browser, guess % 2 == 0 ? "verify-totp" : "verify-backup-code", new { code = app.WrongCodeOf(ada.Secret) }, 401);
        var refused = await app.Factor(browser, "verify-totp", new { code = app.CodeOf(ada.Secret) }, 400);
        Assert.Equal("""{"message":"Too many attempts. Please request a new code.","code":"TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE"}""", refused.Body);
        Assert.StartsWith("better-auth.two_factor=; Max-Age=0", Assert.Single(refused.SetCookies), StringComparison.Ordinal);
        browser.Put("better-auth.two_factor", cookie);
        Assert.Contains("INVALID_TWO_FACTOR_COOKIE", (await app.Factor(browser, "verify-totp", new { code = app.CodeOf(ada.Secret) }, 401)).Body, StringComparison.Ordinal);
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.CodeOf(ada.Secret) });
    }

    [Fact]
    public async Task Ten_wrong_codes_in_a_row_lock_a_user_for_fifteen_minutes_across_challenges()
    {
        var ada = await app.Protected();
        for (var guess = 0; guess < 10; guess++)
            await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.WrongCodeOf(ada.Secret) }, 401);
        var browser = await app.Asked(ada.Email);
        var locked = await app.Factor(browser, "verify-totp", new { code = app.CodeOf(ada.Secret) }, 429);
        Assert.Equal(
            """{"message":"Too many failed verification attempts. Your account is temporarily locked. Please try again later.","code":"ACCOUNT_TEMPORARILY_LOCKED"}""",
            locked.Body);
        await app.Factor(browser, "verify-backup-code", new { code = ada.Codes[0] }, 429);
        await app.Factor(ada.Browser, "verify-totp", new { code = app.CodeOf(ada.Secret) }, 429);
        Assert.Equal([.. Enumerable.Repeat("wrong_code", 9), "locked"], await app.Reasons("two_factor.failed.1", ada.Id));
        app.Clock.Advance(TimeSpan.FromMinutes(15));
        await app.Factor(await app.Asked(ada.Email), "verify-totp", new { code = app.CodeOf(ada.Secret) });
    }

    [Fact]
    public async Task The_right_code_begins_the_count_anew()
    {
        var ada = await app.Protected();
        for (var round = 0; round < 2; round++)
        {
            for (var guess = 0; guess < 9; guess++)
                await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = "wrong" }, 401);
            await app.Factor(await app.Asked(ada.Email), "verify-backup-code", new { code = ada.Codes[round] });
        }
    }

    [Fact]
    public async Task Of_many_wrong_codes_at_once_on_two_nodes_five_of_a_challenge_are_compared()
    {
        var ada = await app.Protected();
        var cookie = (await app.Asked(ada.Email)).Cookies["better-auth.two_factor"];
        var other = await app.AnotherNode();
        var results = await Task.WhenAll(Enumerable.Range(0, Many).Select(at =>
        {
            var node = at % 2 == 0 ? app : other;
            var browser = node.Browser();
            browser.Put("better-auth.two_factor", cookie);
            return node.Factor(browser, "verify-totp", new { code = app.WrongCodeOf(ada.Secret) }, status: null);
        }));
        await other.DisposeAsync();
        Assert.Equal(5, results.Count(result => result.Body.Contains("INVALID_CODE", StringComparison.Ordinal)));
        Assert.All(results.Where(result => !result.Body.Contains("INVALID_CODE", StringComparison.Ordinal)), result => Assert.Matches("TOO_MANY_ATTEMPTS|INVALID_TWO_FACTOR_COOKIE", result.Body));
        Assert.Equal(5, (await app.Reasons("two_factor.failed.1", ada.Id)).Count(reason => reason == "wrong_code"));
    }

    [Fact]
    public async Task Of_many_wrong_codes_at_once_in_many_challenges_ten_of_a_user_are_compared()
    {
        var ada = await app.Protected();
        var browsers = new List<Browser>();
        for (var at = 0; at < Many; at++)
            browsers.Add(await app.Asked(ada.Email));
        var results = await Task.WhenAll(browsers.Select(browser => app.Factor(browser, "verify-totp", new { code = app.WrongCodeOf(ada.Secret) }, status: null)));
        Assert.Equal(10, results.Count(result => result.Status == 401));
        Assert.Equal(Many - 10, results.Count(result => result.Status == 429));
    }

    [Theory]
    [InlineData("verify-totp")]
    [InlineData("verify-backup-code")]
    [InlineData("verify-otp")]
    public async Task Of_many_uses_of_one_code_at_once_one_signs_in(string path)
    {
        var ada = await app.Protected();
        var asked = await app.Asked(ada.Email);
        var code = path switch { "verify-totp" => app.CodeOf(ada.Secret), "verify-backup-code" => ada.Codes[0], _ => await Mailed(asked, ada.Email) };
        var sessions = await Sessions(ada.Id);
        var results = await Task.WhenAll(Enumerable.Range(0, Many).Select(_ =>
        {
            var browser = app.Browser();
            browser.Put("better-auth.two_factor", asked.Cookies["better-auth.two_factor"]);
            return app.Factor(browser, path, new { code }, status: null);
        }));
        Assert.Single(results, result => result.Status == 200);
        Assert.All(results, result => Assert.Contains(result.Status, Allowed));
        Assert.Equal(sessions + 1, await Sessions(ada.Id));
    }

    [Theory]
    [InlineData("verify-totp")]
    [InlineData("verify-backup-code")]
    public async Task Of_many_uses_of_one_code_in_many_challenges_one_signs_in(string path)
    {
        var ada = await app.Protected();
        var browsers = new List<Browser>();
        for (var at = 0; at < Many; at++)
            browsers.Add(await app.Asked(ada.Email));
        var code = path == "verify-totp" ? app.CodeOf(ada.Secret) : ada.Codes[0];
        var results = await Task.WhenAll(browsers.Select(browser => app.Factor(browser, path, new { code }, status: null)));
        Assert.Single(results, result => result.Status == 200);
        Assert.All(results, result => Assert.Contains(result.Status, Allowed));
    }

    [Fact]
    public async Task Of_many_sign_ins_with_one_trust_at_once_one_is_not_asked()
    {
        var ada = await app.Protected();
        var browser = await app.Asked(ada.Email);
        await app.Factor(browser, "verify-totp", new { code = app.CodeOf(ada.Secret), trustDevice = true });
        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ =>
        {
            var same = app.Browser();
            same.Put("better-auth.trust_device", browser.Cookies["better-auth.trust_device"]);
            return app.Scenario(scenario =>
            {
                scenario.As(same).Post.Json(new { email = ada.Email, password = People.Password }).ToUrl("/api/auth/sign-in/email");
                scenario.IgnoreStatusCode();
            });
        }));
        Assert.Single(results, result => result.Body.Contains("\"redirect\":false", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Five_codes_an_hour_are_mailed_and_five_wrong_ones_are_compared_with_each()
    {
        var ada = await app.Protected();
        var browser = await app.Asked(ada.Email);
        await app.Factor(browser, "send-otp");
        var code = await app.FactorCode(ada.Email);
        for (var guess = 0; guess < 5; guess++)
            await app.Factor(browser, "verify-otp", new { code = "wrong" }, 401);
        Assert.Contains("TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE", (await app.Factor(browser, "verify-otp", new { code }, 400)).Body, StringComparison.Ordinal);
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Factor(browser, "send-otp", status: null)));
        Assert.True(results.Count(result => result.Status == 200) <= 4);
        Assert.InRange((await app.FactorEvents(ada.Id)).Count(type => type == "two_factor.code_sent.1"), 2, 5);
        Assert.Equal(429, (await Later(browser)).Status);
    }

    private async Task<ScenarioResult> Later(Browser browser)
    {
        ScenarioResult result;
        do
            result = await app.Factor(browser, "send-otp", status: null);
        while (result.Status == 200);
        return result;
    }

    private async Task<string> Mailed(Browser browser, string email)
    {
        await app.Factor(browser, "send-otp");
        return await app.FactorCode(email);
    }

    private Task<long> Sessions(string userId) => app.Count("select count(*) from sessions.mt_doc_session where user_id = $1", userId);
}
