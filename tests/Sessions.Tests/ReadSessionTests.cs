using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class ReadSessionTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private static void AssertNull(ScenarioResult answer)
    {
        Assert.Equal((200, "null", "application/json", "no-store", "no-cache"),
            (answer.Status, answer.Body, answer.Header("Content-Type"), answer.Header("Cache-Control"), answer.Header("Pragma")));
    }

    [Fact]
    public async Task It_answers_the_session_and_its_user_and_nothing_else()
    {
        var laptop = await app.SignedIn();

        var answer = await app.GetSession(laptop.Browser);

        var row = (await app.Row(laptop.SessionId))!;
        static string Wire(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(
            $$$"""{"session":{"id":"{{{laptop.SessionId}}}","token":"{{{laptop.Token}}}","userId":"{{{laptop.Person.Id}}}","expiresAt":"{{{Wire(row.ExpiresAt)}}}","createdAt":"{{{Wire(row.CreatedAt)}}}","updatedAt":"{{{Wire(row.CreatedAt)}}}","ipAddress":"127.0.0.1","userAgent":"Laptop/1","impersonatedBy":null,"activeOrganizationId":null,"activeTeamId":null},"user":"""
            + laptop.Person.Json + "}",
            answer.Body);
        Assert.Equal(("no-store", "no-cache"), (answer.Header("Cache-Control"), answer.Header("Pragma")));
        Assert.Empty(answer.SetCookies);
    }

    [Fact]
    public async Task Where_a_session_came_from_is_empty_when_it_is_unknown()
    {
        var person = await app.Registered();
        var laptop = app.Hold(person, await app.Send(new Contracts.StartSession(person.Id, true, "password")));

        var session = (await app.GetSession(laptop.Browser)).Json().GetProperty("session");

        Assert.Equal(("", ""), (session.GetProperty("ipAddress").GetString(), session.GetProperty("userAgent").GetString()));
    }

    [Fact]
    public async Task A_change_of_the_user_shows_at_once()
    {
        var laptop = await app.SignedIn();
        await app.Post(laptop.Browser, "/api/auth/update-user", new { name = "Grace" });

        Assert.Equal("Grace", (await app.GetSession(laptop.Browser)).Json().GetProperty("user").GetProperty("name").GetString());
    }

    [Fact]
    public async Task Nobody_is_null() => AssertNull(await app.GetSession(app.Browser()));

    public static TheoryData<string, Func<string, string>> Forgeries => new()
    {
        { "empty", _ => "" },
        { "nonsense", _ => "abc.def" },
        { "another token", signed => (signed[0] == 'A' ? 'B' : 'A') + signed[1..] },
        { "another signature", signed => signed.Replace(".", ".A", StringComparison.Ordinal).Remove(signed.Length - 2, 1) },
        { "truncated signature", signed => signed[..^3] },
        { "no padding", signed => signed[..^1] },
        { "no signature", signed => signed[..signed.LastIndexOf('.')] },
        { "no signature after the dot", signed => signed[..(signed.LastIndexOf('.') + 1)] },
        { "no token", signed => signed[signed.LastIndexOf('.')..] },
        { "more behind", signed => signed + "x" },
        { "very long", _ => new string('a', 3000) + "." + new string('b', 43) + "=" },
    };

    [Theory, MemberData(nameof(Forgeries), DisableDiscoveryEnumeration = true)]
    public async Task A_forged_cookie_is_none_and_is_not_cleared(string how, Func<string, string> forge)
    {
        _ = how;
        var laptop = await app.SignedIn();
        var browser = app.Browser();
        browser.Put(SessionsApp.Cookie, Uri.EscapeDataString(forge(Uri.UnescapeDataString(app.Sign(laptop.Token)))));

        var answer = await app.GetSession(browser);

        AssertNull(answer);
        Assert.Empty(answer.SetCookies);
    }

    [Fact]
    public async Task Broken_percent_encoding_is_no_cookie_either()
    {
        var browser = app.Browser();
        browser.Put(SessionsApp.Cookie, "%E0%A4%A.%");

        var answer = await app.GetSession(browser);

        AssertNull(answer);
        Assert.Empty(answer.SetCookies);
    }

    [Fact]
    public async Task A_token_that_never_was_is_cleared_when_it_is_well_signed()
    {
        var browser = app.Browser();
        browser.Put(SessionsApp.Cookie, app.Sign(SessionToken.Mint().Text));

        var answer = await app.GetSession(browser);

        AssertNull(answer);
        SessionsApp.AssertCleared(answer);
    }

    [Fact]
    public async Task A_handle_opens_nothing_in_a_cookie_or_as_a_bearer()
    {
        var laptop = await app.SignedIn();
        var handle = (await app.Row(laptop.SessionId))!.Handle;
        foreach (var (name, value) in new[]
        {
            ("Cookie", $"{SessionsApp.Cookie}={handle}"),
            ("Cookie", $"{SessionsApp.Cookie}={app.Sign(handle)}"),
            ("Authorization", $"Bearer {handle}"),
            ("Authorization", $"Bearer {app.Sign(handle)}"),
        })
        {
            var answer = await app.Scenario(_ =>
            {
                _.Get.Url("/api/auth/get-session");
                _.WithRequestHeader(name, value);
            });
            AssertNull(answer);
        }
    }

    [Fact]
    public async Task What_is_stored_opens_nothing()
    {
        var laptop = await app.SignedIn();
        var row = (await app.Row(laptop.SessionId))!;
        foreach (var stored in new[] { row.TokenHash, row.Id, row.UserId })
        {
            var browser = app.Browser();
            browser.Put(SessionsApp.Cookie, app.Sign(stored));
            AssertNull(await app.GetSession(browser));
        }
    }

    [Fact]
    public async Task A_banned_user_has_no_session_until_the_ban_is_over()
    {
        var laptop = await app.SignedIn();
        await app.Sql("update identity.session_principal set banned = true, ban_reason = 'spam' where id = $1", laptop.Person.Id);

        await SessionsApp.Sees(async () => !await app.IsSignedIn(app.Again(laptop)));
        var banned = await app.GetSession(app.Again(laptop).Browser);
        AssertNull(banned);
        SessionsApp.AssertCleared(banned);

        await app.Sql("update identity.session_principal set ban_expires = now() - interval '1 minute' where id = $1", laptop.Person.Id);
        Assert.True(await app.IsSignedIn(laptop));
        await app.Sql("update identity.session_principal set ban_expires = now() + interval '1 hour' where id = $1", laptop.Person.Id);
        await SessionsApp.Sees(async () => !await app.IsSignedIn(laptop));
    }

    [Fact]
    public async Task A_session_without_its_user_is_none()
    {
        var laptop = await app.SignedIn();
        await app.Sql("delete from identity.session_principal where id = $1", laptop.Person.Id);

        await SessionsApp.Sees(async () => !await app.IsSignedIn(laptop));
        SessionsApp.AssertCleared(await app.GetSession(laptop.Browser));
    }

    [Fact]
    public async Task By_post_it_is_405_for_everybody()
    {
        var laptop = await app.SignedIn();
        foreach (var browser in new[] { laptop.Browser, app.Browser() })
        {
            var answer = await app.Post(browser, "/api/auth/get-session", new { });

            Assert.Equal(
                (405, """{"message":"POST method requires deferSessionRefresh to be enabled in session config","code":"METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED"}"""),
                (answer.Status, answer.Body));
            Assert.Equal(("no-store", "no-cache"), (answer.Header("Cache-Control"), answer.Header("Pragma")));
        }
    }

    [Fact]
    public async Task A_fault_of_the_database_is_never_mistaken_for_signed_out()
    {
        var laptop = await app.SignedIn();
        app.Services.GetRequiredService<LiveSessions>().Forget(LiveSessions.Everybody);
        await app.Sql("alter table identity.session_principal rename to hidden");
        try
        {
            var answer = await app.GetSession(laptop.Browser);

            Assert.Equal(500, answer.Status);
            Assert.Empty(answer.SetCookies);
        }
        finally
        {
            await app.Sql("alter table identity.hidden rename to session_principal");
        }
    }

    [Fact]
    public async Task A_check_is_one_query_and_writes_nothing()
    {
        var laptop = await app.SignedIn();
        var before = await app.Count("select count(*) from sessions.mt_events");

        for (var i = 0; i < 3; i++)
            Assert.Equal(JsonValueKind.Object, (await app.GetSession(laptop.Browser)).Json().ValueKind);

        Assert.Equal(before, await app.Count("select count(*) from sessions.mt_events"));
    }
}
