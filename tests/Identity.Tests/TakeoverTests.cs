using Modular.Testing;

namespace Modular.Identity.Tests;

/// <summary>What an intruder has prepared, or does at the same moment, must not outlive what the owner does about it.</summary>
public sealed class TakeoverTests(App app) : IClassFixture<App>
{
    private const string NewOne = "a-new-password-1";
    private const string InvalidToken = """{"message":"Invalid token","code":"INVALID_TOKEN"}""";

    [Theory]
    [InlineData("reset")]
    [InlineData("change-password")]
    [InlineData("revoke-sessions")]
    [InlineData("revoke-other-sessions")]
    public async Task A_link_that_changes_the_address_is_void_once_the_owner_acts(string act)
    {
        var (ada, intruders) = (await app.SignedUp(), People.NewAddress());
        var stolen = app.Browser();
        await SignIn(ada.Email, People.Password, stolen);
        await app.Scenario(_ => _.As(stolen).Post.Json(new { newEmail = intruders }).ToUrl("/api/auth/change-email"));
        var link = (await app.LinkTo(intruders)).Split('&')[0];

        switch (act)
        {
            case "reset":
                await Reset(await ResetToken(ada.Email), NewOne);
                break;
            case "change-password":
                await app.Scenario(_ => _.As(ada.Browser)
                    .Post.Json(new { currentPassword = People.Password, newPassword = NewOne, revokeOtherSessions = true }).ToUrl("/api/auth/change-password"));
                break;
            default:
                await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { }).ToUrl($"/api/auth/{act}"));
                break;
        }

        await app.Settled();
        Assert.Equal(InvalidToken, (await Open(link)).Body);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_user where id = $1 and email = $2", ada.Id, ada.Email));
    }

    [Fact]
    public async Task A_link_for_a_new_password_is_void_once_the_address_has_changed()
    {
        var (ada, address) = (await app.SignedUp(), People.NewAddress());
        var token = await ResetToken(ada.Email);
        await app.Scenario(_ => _.As(ada.Browser).Post.Json(new { newEmail = address }).ToUrl("/api/auth/change-email"));
        Assert.Equal(200, (await Open((await app.LinkTo(address)).Split('&')[0])).Status);
        Assert.Equal(InvalidToken, (await Reset(token, NewOne, 400)).Body);
    }

    /// <summary>The old password is right when the sign-in begins, and somebody resets it meanwhile.</summary>
    [Fact]
    public async Task No_session_that_the_old_password_opened_outlives_its_reset()
    {
        for (var round = 0; round < 10; round++)
        {
            var ada = await app.SignedUp();
            var token = await ResetToken(ada.Email);
            var browsers = Enumerable.Range(0, 8).Select(_ => app.Browser()).ToList();
            await Task.WhenAll(
            [
                Reset(token, NewOne),
                .. browsers.Select(async (browser, at) =>
                {
                    await Task.Delay(at);
                    await SignIn(ada.Email, People.Password, browser, status: null);
                }),
            ]);
            foreach (var browser in browsers)
                Assert.Equal("null", (await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/get-session"))).Body);
            await SignIn(ada.Email, NewOne, app.Browser());
        }
    }

    [Fact]
    public async Task Of_several_changes_with_one_old_password_one_counts()
    {
        var ada = await app.SignedUp();
        var cookies = ada.Browser.CookieHeader;
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(at => app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("Origin", app.Url);
            _.Post.Json(new { currentPassword = People.Password, newPassword = $"chosen-at-once-{at}" }).ToUrl("/api/auth/change-password");
            _.IgnoreStatusCode();
        })));
        var winner = Assert.Single(Enumerable.Range(0, 4), at => results[at].Status == 200);
        await SignIn(ada.Email, $"chosen-at-once-{winner}", app.Browser());
    }

    [Fact]
    public async Task Whoever_is_deleted_while_they_sign_in_or_change_their_password_leaves_nothing_behind()
    {
        for (var round = 0; round < 10; round++)
        {
            var ada = await app.SignedUp();
            var cookies = ada.Browser.CookieHeader;
            Task<ScenarioResult> As(string path, object body) => app.Scenario(_ =>
            {
                _.WithRequestHeader("Cookie", cookies);
                _.WithRequestHeader("Origin", app.Url);
                _.Post.Json(body).ToUrl(path);
                _.IgnoreStatusCode();
            });
            await Task.WhenAll(
                As("/api/auth/delete-user", new { }),
                As("/api/auth/change-password", new { currentPassword = People.Password, newPassword = NewOne }),
                SignIn(ada.Email, People.Password, app.Browser(), status: null),
                SignIn(ada.Email, People.Password, app.Browser(), status: null));
            await As("/api/auth/delete-user", new { });
            await app.Settled();
            foreach (var table in (string[])["identity.mt_doc_account", "sessions.mt_doc_session"])
                Assert.True(await app.Count($"select count(*) from {table} where user_id = $1", ada.Id) == 0, table);
        }

        app.Clock.Advance(TimeSpan.FromMinutes(3));
        await app.Settled();
        Assert.Equal(0, await app.Count(
            "select count(*) from sessions.mt_doc_known_device d where not exists (select from identity.mt_doc_user u where u.id = d.user_id)"));
    }

    private async Task<string> ResetToken(string email)
    {
        await app.Post("/api/auth/request-password-reset", new() { ["email"] = email, ["redirectTo"] = "/new" });
        var link = await app.LinkTo(email);
        return link["/api/auth/reset-password/".Length..link.IndexOf('?', StringComparison.Ordinal)];
    }

    private Task<ScenarioResult> Reset(string token, string password, int status = 200) =>
        app.Post("/api/auth/reset-password", new() { ["newPassword"] = password, ["token"] = token }, status);

    private Task<ScenarioResult> SignIn(string email, string password, Browser browser, int? status = 200) => app.Scenario(_ =>
    {
        _.As(browser).Post.Json(new { email, password }).ToUrl("/api/auth/sign-in/email");
        if (status is { } expected)
            _.StatusCodeShouldBe(expected);
        else
            _.IgnoreStatusCode();
    });

    private Task<ScenarioResult> Open(string link) => app.Scenario(_ =>
    {
        _.Get.Url(link);
        _.IgnoreStatusCode();
    });
}

public sealed class SignUpAgainTests(StrictApp app) : IClassFixture<StrictApp>
{
    [Fact]
    public async Task Whoever_shows_that_the_address_is_theirs_keeps_what_they_chose_and_not_what_a_stranger_chose_before()
    {
        var address = People.NewAddress();
        await app.SignUp(People.SigningUp(("email", address), ("name", "Evil"), ("password", "chosen-by-evil-1")));
        await app.Settled();
        await app.SignUp(People.SigningUp(("email", address), ("name", "Carol"), ("password", "chosen-by-carol-1")));
        var link = await app.LinkTo(address);
        var carol = app.Browser();
        await app.Scenario(_ =>
        {
            _.As(carol).Get.Url(link);
            _.StatusCodeShouldBe(302);
        });
        var session = await app.Scenario(_ => _.As(carol).Get.Url("/api/auth/get-session"));
        Assert.Equal("Carol", session.Json().GetProperty("user").GetProperty("name").GetString());
        await app.SignIn(address, "chosen-by-evil-1", 401);
        await app.SignIn(address, "chosen-by-carol-1");
    }
}
