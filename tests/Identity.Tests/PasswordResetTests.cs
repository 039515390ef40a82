using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class PasswordResetTests(App app) : IClassFixture<App>
{
    private const string NewOne = "a-new-password-1";
    private const string InvalidToken = """{"message":"Invalid token","code":"INVALID_TOKEN"}""";
    private const string Asked = """{"status":true,"message":"If this email exists in our system, check your email for the reset link"}""";

    [Fact]
    public async Task The_mailed_link_leads_to_the_page_with_a_token_that_sets_a_new_password_once()
    {
        var ada = await app.SignedUp();
        var token = await ResetToken(ada);
        await Reset(token, NewOne);
        await app.SignIn(ada.Email, NewOne);
        await app.SignIn(ada.Email, status: 401);
        Assert.Equal(InvalidToken, (await Reset(token, "another-password-1", status: 400)).Body);

        var told = (await app.MailsTo(ada.Email))[^1];
        Assert.Equal("Your password for 127.0.0.1 was changed", told.Subject());
        Assert.Equal(["user.registered.1", "password.reset_link_sent.1", "password.reset.1"], await app.EventsOf(ada.Id));
    }

    [Fact]
    public async Task An_address_that_nobody_has_gets_the_same_answer_and_no_mail()
    {
        var ada = await app.SignedUp();
        var nobody = People.NewAddress();
        Assert.Equal(Asked, (await Ask(ada.Email)).Body);
        Assert.Equal(Asked, (await Ask(nobody)).Body);
        Assert.Single(await app.MailsTo(ada.Email));
        Assert.Empty(await app.MailsTo(nobody));
    }

    [Fact]
    public async Task A_bad_choice_leaves_the_token_for_a_better_one()
    {
        var ada = await app.SignedUp();
        var token = await ResetToken(ada);
        Assert.Contains("PASSWORD_TOO_SHORT", (await Reset(token, "short", status: 400)).Body, StringComparison.Ordinal);
        Assert.Contains("PASSWORD_TOO_LONG", (await Reset(token, new string('x', 129), status: 400)).Body, StringComparison.Ordinal);
        Assert.Contains("PASSWORD_COMPROMISED", (await Reset(token, "Password123", status: 400)).Body, StringComparison.Ordinal);
        Assert.Contains("PASSWORD_COMPROMISED", (await Reset(token, ada.Email, status: 400)).Body, StringComparison.Ordinal);
        await Reset(token, NewOne);
    }

    [Fact]
    public async Task Of_fifty_uses_of_a_token_at_once_one_sets_the_password()
    {
        var ada = await app.SignedUp();
        var token = await ResetToken(ada);
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => app.Scenario(_ =>
        {
            _.Post.Json(new { newPassword = $"chosen-by-race-{at}", token }).ToUrl("/api/auth/reset-password");
            _.IgnoreStatusCode();
        })));
        Assert.Single(results, result => result.Status == 200);
        Assert.All(results.Where(result => result.Status != 200), result => Assert.Equal(InvalidToken, result.Body));
        Assert.Single(await app.EventsOf(ada.Id), type => type == "password.reset.1");
        var winner = Array.FindIndex(results, result => result.Status == 200);
        await app.SignIn(ada.Email, $"chosen-by-race-{winner}");
    }

    [Fact]
    public async Task A_reset_makes_every_other_link_void_and_signs_every_device_out()
    {
        var ada = await app.SignedUp();
        var (first, second) = (await ResetToken(ada), await ResetToken(ada));
        await Reset(second, NewOne);
        Assert.Equal(InvalidToken, (await Reset(first, NewOne, status: 400)).Body);
        await app.Scenario(_ =>
        {
            _.As(ada.Browser).Get.Url("/api/auth/get-session");
            _.ContentShouldBe("null");
        });
    }

    [Fact]
    public async Task A_link_is_over_after_an_hour()
    {
        var ada = await app.SignedUp();
        var link = await MailedLink(ada);
        app.Clock.Advance(TimeSpan.FromMinutes(61));
        await Redirects(link, "/new?error=INVALID_TOKEN");
        Assert.Equal(InvalidToken, (await Reset(TokenOf(link), NewOne, status: 400)).Body);
    }

    [Fact]
    public async Task Opening_the_link_tells_good_from_bad_and_uses_nothing_up()
    {
        var ada = await app.SignedUp();
        var link = await MailedLink(ada);
        var token = TokenOf(link);
        await Redirects(link, $"/new?token={token}");
        await Redirects($"/api/auth/reset-password/{token}?callbackURL=%2Fnew%3Fx%3D1", $"/new?x=1&token={token}");
        await Redirects("/api/auth/reset-password/wrong?callbackURL=%2Fnew", "/new?error=INVALID_TOKEN");
        await Redirects($"/api/auth/reset-password/{token}?callbackURL=", "/api/auth/error?error=INVALID_TOKEN");
        var missing = await app.Scenario(_ =>
        {
            _.Get.Url($"/api/auth/reset-password/{token}");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(
            """{"message":"[query.callbackURL] Invalid input: expected string, received undefined","code":"VALIDATION_ERROR"}""", missing.Body);
        var evil = await app.Scenario(_ =>
        {
            _.Get.Url($"/api/auth/reset-password/{token}?callbackURL=http%3A%2F%2Fevil.test");
            _.StatusCodeShouldBe(403);
        });
        Assert.Equal("""{"message":"Invalid callbackURL","code":"INVALID_CALLBACK_URL"}""", evil.Body);
        await Reset(token, NewOne);
    }

    [Fact]
    public async Task A_mailbox_is_not_filled_by_whoever_asks_again_and_again()
    {
        var ada = await app.SignedUp();
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(Asked, (await Ask(ada.Email)).Body);
            await app.Settled();
        }

        Assert.Equal(5, (await app.MailsTo(ada.Email)).Count);
    }

    [Fact]
    public async Task Neither_token_nor_address_is_in_the_database_in_clear()
    {
        var ada = await app.SignedUp();
        var token = TokenOf(await MailedLink(ada));
        var tables = await app.Sql(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')");
        Assert.True(tables.Count > 20);
        foreach (var table in tables)
            Assert.Equal(0, await app.Count($"select count(*) from {table[0]} t where t::text like $1", $"%{token}%"));
    }

    private Task<ScenarioResult> Ask(string email) =>
        app.Post("/api/auth/request-password-reset", new() { ["email"] = email, ["redirectTo"] = "/new" });

    private async Task<string> MailedLink(Person person)
    {
        await Ask(person.Email);
        return await app.LinkTo(person.Email);
    }

    private async Task<string> ResetToken(Person person) => TokenOf(await MailedLink(person));

    private static string TokenOf(string link) => link["/api/auth/reset-password/".Length..link.IndexOf('?', StringComparison.Ordinal)];

    private Task<ScenarioResult> Reset(string token, string password, int status = 200) =>
        app.Post("/api/auth/reset-password", new() { ["newPassword"] = password, ["token"] = token }, status);

    private Task<ScenarioResult> Redirects(string link, string target) => app.Scenario(_ =>
    {
        _.Get.Url(link);
        _.StatusCodeShouldBe(302);
        _.HeaderShouldBe("Location", app.Url + target);
    });
}
