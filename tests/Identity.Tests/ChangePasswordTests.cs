using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ChangePasswordTests(App app) : IClassFixture<App>
{
    private const string NewOne = "a-new-password-1";

    [Fact]
    public async Task Whoever_knows_the_old_password_sets_a_new_one_and_stays_signed_in()
    {
        var ada = await app.SignedUp();
        var changed = await Change(ada, People.Password, NewOne);
        Assert.Equal(["token", "user"], changed.Json().EnumerateObject().Select(member => member.Name));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, changed.Json().GetProperty("token").ValueKind);
        Assert.Empty(changed.SetCookies);
        await app.SignIn(ada.Email, status: 401);
        await app.SignIn(ada.Email, NewOne);
        Assert.True(await IsSignedIn(ada.Browser));
        Assert.Equal(["user.registered.1", "password.changed.1"], await app.EventsOf(ada.Id));
        Assert.Equal("Your password for 127.0.0.1 was changed", Assert.Single(await app.MailsTo(ada.Email)).Subject());
    }

    [Fact]
    public async Task Other_devices_are_signed_out_where_asked_and_this_one_gets_a_new_session()
    {
        var ada = await app.SignedUp();
        var phone = app.Browser();
        await app.Scenario(_ => _.As(phone).Post.Json(new { email = ada.Email, password = People.Password }).ToUrl("/api/auth/sign-in/email"));
        var (old, before) = (app.Browser(), ada.Browser.Cookies["better-auth.session_token"]);
        old.Put("better-auth.session_token", before);

        var changed = await Change(ada, People.Password, NewOne, revoke: true);
        Assert.Single(changed.OwnCookies);
        Assert.StartsWith(
            changed.Json().GetProperty("token").GetString()!, ada.Browser.Cookies["better-auth.session_token"], StringComparison.Ordinal);
        Assert.True(await IsSignedIn(ada.Browser));
        Assert.False(await IsSignedIn(phone));
        Assert.False(await IsSignedIn(old));
    }

    [Fact]
    public async Task A_device_that_is_not_remembered_stays_so()
    {
        var ada = await app.SignedUp(("rememberMe", false));
        var changed = await Change(ada, People.Password, NewOne, revoke: true);
        Assert.Equal(2, changed.OwnCookies.Count);
        Assert.All(changed.OwnCookies, cookie => Assert.DoesNotContain("Max-Age", cookie, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_recorded()
    {
        var ada = await app.SignedUp();
        Assert.Equal("""{"message":"Invalid password","code":"INVALID_PASSWORD"}""", (await Change(ada, "not-it-at-all", NewOne, status: 400)).Body);
        Assert.Equal("""{"message":"Password too short","code":"PASSWORD_TOO_SHORT"}""", (await Change(ada, "not-it-at-all", "a", status: 400)).Body);
        Assert.Contains("PASSWORD_COMPROMISED", (await Change(ada, People.Password, "iloveyou1", status: 400)).Body, StringComparison.Ordinal);
        await app.SignIn(ada.Email);
        Assert.Equal(
            [["change_password", "wrong_password"]],
            await app.Sql(
                "select data ->> 'act', data ->> 'reason' from identity.mt_events where type = 'password.refused.1' and data ->> 'userId' = $1", ada.Id));
    }

    [Fact]
    public async Task A_password_is_verified_for_its_user_alone()
    {
        var ada = await app.SignedUp();
        Assert.Equal("""{"status":true}""", (await Verify(ada, People.Password, 200)).Body);
        Assert.Equal("""{"message":"Invalid password","code":"INVALID_PASSWORD"}""", (await Verify(ada, "nope", 400)).Body);
        await app.Post("/api/auth/verify-password", new() { ["password"] = People.Password }, 401);
        await app.Post("/api/auth/change-password", new() { ["newPassword"] = NewOne, ["currentPassword"] = People.Password }, 401);
    }

    [Fact]
    public async Task Setting_a_password_without_one_is_not_offered_over_HTTP()
    {
        var ada = await app.SignedUp();
        await app.Scenario(_ =>
        {
            _.As(ada.Browser).Post.Json(new { newPassword = NewOne }).ToUrl("/api/auth/set-password");
            _.StatusCodeShouldBe(404);
            _.ContentShouldBe("");
        });
    }

    private Task<ScenarioResult> Change(Person person, string current, string next, bool? revoke = null, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(new Dictionary<string, object?> { ["currentPassword"] = current, ["newPassword"] = next, ["revokeOtherSessions"] = revoke ?? false })
            .ToUrl("/api/auth/change-password");
        _.StatusCodeShouldBe(status);
    });

    private Task<ScenarioResult> Verify(Person person, string password, int status) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(new { password }).ToUrl("/api/auth/verify-password");
        _.StatusCodeShouldBe(status);
    });

    private async Task<bool> IsSignedIn(Browser browser) =>
        (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Body != "null";
}
