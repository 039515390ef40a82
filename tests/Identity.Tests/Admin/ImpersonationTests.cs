using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class ImpersonationTests(AdminApp app) : IClassFixture<AdminApp>
{
    [Fact]
    public async Task An_administrator_acts_as_a_user_and_returns()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        var own = root.Browser.Cookies["better-auth.session_token"];
        var started = await app.Act(root, "impersonate-user", new { userId = ada.Id });
        var session = started.Json().GetProperty("session");
        Assert.Equal((ada.Id, root.Id), (session.GetProperty("userId").GetString(), session.GetProperty("impersonatedBy").GetString()));
        Assert.Equal(3600, (session.GetProperty("expiresAt").GetDateTimeOffset() - session.GetProperty("createdAt").GetDateTimeOffset()).TotalSeconds, 1.0);
        Assert.DoesNotContain("Max-Age", started.SetCookies.Last(cookie => cookie.StartsWith("better-auth.session_token=", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(started.SetCookies, cookie => cookie.StartsWith("better-auth.dont_remember=true", StringComparison.Ordinal));
        Assert.Equal(ada.Id, (await app.Session(root.Browser))!.Value.GetProperty("user").GetProperty("id").GetString());
        foreach (var browser in (Browser[])[root.Browser, ada.Browser])
            Assert.Single((await app.Scenario(_ => _.As(browser).Get.Url("/api/auth/list-sessions"))).Json().EnumerateArray());

        // As a user they may no more than the user, and not be a third.
        Assert.Equal("YOU_ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS", (await app.Act(root, "impersonate-user", new { userId = ada.Id }, 403)).Code());

        var stopped = await app.Act(root, "stop-impersonating", new { });
        Assert.Equal(root.Id, stopped.Json().GetProperty("user").GetProperty("id").GetString());
        Assert.Equal(own, root.Browser.Cookies["better-auth.session_token"]);
        Assert.DoesNotContain("better-auth.admin_session", root.Browser.Cookies.Keys);
        Assert.DoesNotContain("better-auth.dont_remember", root.Browser.Cookies.Keys);
        Assert.Equal("""{"message":"You are not impersonating anyone"}""", (await app.Act(root, "stop-impersonating", new { }, 400)).Body);
        Assert.Empty(await app.Sql("select 1 from sessions.mt_doc_session where impersonated_by = $1 and user_id = $2", root.Id, ada.Id));
        await app.Settled();
        Assert.Equal(2, await app.Count("select count(*) from audit.search where type in ('impersonation.started.1', 'impersonation.stopped.1') and subject = $1 and actor = $2", ada.Id, root.Id));
    }

    [Fact]
    public async Task Neither_administrators_nor_banned_nor_unknown_users_are_impersonated()
    {
        var root = await app.Root();
        var (other, ada) = (await app.Made(root, "admin"), await app.SignedUp());
        Assert.Equal("YOU_CANNOT_IMPERSONATE_ADMINS", (await app.Act(root, "impersonate-user", new { userId = other.Id }, 403)).Code());
        await app.Act(root, "ban-user", new { userId = ada.Id });
        Assert.Equal("BANNED_USER", (await app.Act(root, "impersonate-user", new { userId = ada.Id }, 403)).Code());
        Assert.Equal("USER_NOT_FOUND", (await app.Act(root, "impersonate-user", new { userId = "nope" }, 404)).Code());
        Assert.Contains("you_cannot_impersonate_admins", await app.Reasons("admin.refused.1", other.Id));
    }

    [Theory]
    [InlineData("demoted")]
    [InlineData("banned")]
    [InlineData("removed")]
    [InlineData("signed out everywhere")]
    [InlineData("revoked")]
    public async Task It_ends_with_the_administrators_own_standing(string how)
    {
        var root = await app.Root();
        var (other, ada) = (await app.Made(root, "admin"), await app.SignedUp());
        var away = await app.SignedIn(other.Email);
        await app.Act(other, "impersonate-user", new { userId = ada.Id });
        Assert.NotNull(await app.Session(other.Browser));
        _ = how switch
        {
            "demoted" => await app.Act(root, "set-role", new { userId = other.Id, role = "user" }),
            "banned" => await app.Act(root, "ban-user", new { userId = other.Id }),
            "removed" => await app.Act(root, "remove-user", new { userId = other.Id }),
            "revoked" => await app.Act(root, "revoke-user-sessions", new { userId = other.Id }),
            _ => await app.Scenario(_ => _.As(away.Browser).Post.Json(new { }).ToUrl("/api/auth/revoke-sessions")),
        };
        Assert.Null(await app.Session(other.Browser));
        Assert.NotNull(await app.Session(ada.Browser));
    }

    [Fact]
    public async Task Whoever_becomes_an_administrator_is_impersonated_no_more()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        await app.Act(root, "impersonate-user", new { userId = ada.Id });
        var other = await app.Root();
        await app.Act(other, "set-role", new { userId = ada.Id, role = "admin" });
        Assert.Null(await app.Session(root.Browser));
        Assert.NotNull(await app.Session(ada.Browser));
    }

    [Fact]
    public async Task Without_the_own_session_there_is_no_way_back()
    {
        var (root, ada) = (await app.Root(), await app.SignedUp());
        var away = await app.Root();
        await app.Act(root, "impersonate-user", new { userId = ada.Id });
        await app.Act(away, "revoke-user-session", new { sessionToken = root.Answer.GetProperty("token").GetString() });
        Assert.Equal("""{"message":"Failed to find admin session"}""", (await app.Act(root, "stop-impersonating", new { }, 500)).Body);
        Assert.NotNull(await app.Session(root.Browser));
    }

    [Fact]
    public async Task No_impersonation_outlives_an_administrator_who_is_demoted_while_it_begins()
    {
        var root = await app.Root();
        for (var round = 0; round < 5; round++)
        {
            var (other, ada) = (await app.Made(root, "admin"), await app.SignedUp());
            var begun = Enumerable.Range(0, 9).Select(_ => app.Race(other, "/api/auth/admin/impersonate-user", new { userId = ada.Id })).ToList();
            var demoted = app.Race(root, "/api/auth/admin/set-role", new { userId = other.Id, role = "user" });
            await Task.WhenAll([.. begun, demoted]);
            var left = await app.Count("select count(*) from sessions.mt_doc_session where impersonated_by = $1", other.Id);
            Assert.True((await demoted).Status == 200, (await demoted).Body);
            Assert.Equal(0, left);
        }
    }
}
