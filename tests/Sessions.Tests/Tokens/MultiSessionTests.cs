using Modular.Testing;

namespace Modular.Sessions.Tests;

public sealed class MultiSessionTests(SessionsApp app) : IClassFixture<SessionsApp>
{
    private const string List = "/api/auth/multi-session/list-device-sessions";
    private const string SetActive = "/api/auth/multi-session/set-active";
    private const string Revoke = "/api/auth/multi-session/revoke";

    [Fact]
    public async Task A_new_session_is_kept_under_a_cookie_of_its_own_beside_the_method_it_came_by()
    {
        var answer = await app.SignIn(await app.Registered(), app.Browser());

        var signed = answer.SetCookies[0].Split(';')[0].Split('=', 2)[1];
        var token = answer.Json().GetProperty("token").GetString()!;
        Assert.Equal(
            [
                $"{SessionsApp.Cookie}={signed}; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax",
                $"{SessionsApp.Multi}{token.ToLowerInvariant()}={signed}; Max-Age=28800; Path=/; HttpOnly; SameSite=Lax",
                "better-auth.last_used_login_method=email; Max-Age=2592000; Path=/; SameSite=Lax",
            ],
            answer.SetCookies);
    }

    [Fact]
    public async Task A_session_that_is_not_remembered_ends_with_the_browser_here_too()
    {
        var answer = await app.SignIn(await app.Registered(), app.Browser(), remember: false);

        Assert.DoesNotContain("Max-Age", answer.SetCookies.Single(cookie => cookie.StartsWith(SessionsApp.Multi, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_browser_is_signed_in_as_two_users_and_switches_between_them()
    {
        var (ada, bob) = await Two();

        var listed = (await app.Get(bob.Browser, List)).Json().EnumerateArray().Select(held => held.GetProperty("user").GetProperty("id").GetString());
        Assert.Equal([bob.Person.Id, ada.Person.Id], listed);

        var answer = await app.Post(bob.Browser, SetActive, new { sessionToken = ada.Token });
        Assert.Equal(ada.SessionId, answer.Json().GetProperty("session").GetProperty("id").GetString());
        Assert.StartsWith(ada.Token + ".", answer.Header("set-auth-token"), StringComparison.Ordinal);
        Assert.StartsWith(SessionsApp.Cookie + "=", Assert.Single(answer.SetCookies), StringComparison.Ordinal);
        Assert.Equal(ada.Person.Id, await WhoIs(bob.Browser));
        Assert.True(await app.IsSignedIn(bob));
    }

    [Fact]
    public async Task The_answer_is_the_whole_session_and_user_of_get_session()
    {
        var ada = await app.SignedIn();

        var listed = await app.Get(ada.Browser, List);

        Assert.Equal($"[{(await app.GetSession(ada.Browser)).Body}]", listed.Body);
    }

    [Fact]
    public async Task Signing_in_again_as_the_same_user_ends_what_this_browser_held_of_them_and_nothing_else()
    {
        var (ada, bob) = await Two();
        var elsewhere = await app.SignedIn(ada.Person);
        var old = app.Again(ada);

        var answer = await app.SignIn(ada.Person, bob.Browser);

        Assert.Contains($"{SessionsApp.Multi}{ada.Token.ToLowerInvariant()}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax", answer.SetCookies);
        Assert.Equal((false, true, true), (await app.IsSignedIn(old), await app.IsSignedIn(elsewhere), await app.IsSignedIn(bob)));
        Assert.Equal(["session.started.1 password", "session.revoked.1 replaced_on_device"], await app.History(ada.SessionId));
        Assert.Equal(ada.Person.Id, (await app.Events(ada.SessionId))[^1].Metadata.Actor);
        Assert.Equal(2, (await app.Get(bob.Browser, List)).Json().GetArrayLength());
        Assert.Equal(ada.Person.Id, await WhoIs(bob.Browser));
    }

    [Fact]
    public async Task A_cookie_that_is_not_signed_by_us_counts_for_nothing()
    {
        var ada = await app.SignedIn();
        var name = SessionsApp.Multi + ada.Token.ToLowerInvariant();
        foreach (var forged in new[] { ada.Token, $"{ada.Token}.{new string('A', 43)}%3D", app.Sign("another") })
        {
            var mallory = await app.SignedIn();
            var browser = app.Again(mallory).Browser;
            browser.Put(name, forged);
            Assert.Equal(401, (await app.Post(browser, SetActive, new { sessionToken = ada.Token })).Status);
            Assert.Equal(401, (await app.Post(browser, Revoke, new { sessionToken = ada.Token })).Status);
            Assert.Equal(1, (await app.Get(browser, List)).Json().GetArrayLength());
            await app.Post(browser, "/api/auth/sign-out", new { });
            Assert.True(await app.IsSignedIn(ada));
        }
    }

    [Fact]
    public async Task Who_is_not_held_here_cannot_be_switched_to_nor_revoked()
    {
        var (ada, elsewhere) = (await app.SignedIn(), await app.SignedIn());
        var handle = (await app.Row(elsewhere.SessionId))!.Handle;
        foreach (var named in new[] { elsewhere.Token, handle, "nope", "" })
        {
            foreach (var url in new[] { SetActive, Revoke })
            {
                var answer = await app.Post(ada.Browser, url, new { sessionToken = named });
                Assert.Equal((401, """{"message":"Invalid session token","code":"INVALID_SESSION_TOKEN"}"""), (answer.Status, answer.Body));
            }
        }

        Assert.Equal(400, (await app.Post(ada.Browser, SetActive, new { })).Status);
        Assert.True(await app.IsSignedIn(elsewhere));
    }

    [Fact]
    public async Task One_that_is_over_cannot_be_switched_to_and_its_cookie_goes()
    {
        var (ada, bob) = await Two();
        await app.Post(app.Again(ada).Browser, "/api/auth/sign-out", new { });

        var answer = await app.Post(bob.Browser, SetActive, new { sessionToken = ada.Token });

        Assert.Equal(401, answer.Status);
        Assert.StartsWith($"{SessionsApp.Multi}{ada.Token.ToLowerInvariant()}=; Max-Age=0", Assert.Single(answer.SetCookies), StringComparison.Ordinal);
        Assert.Equal(bob.Person.Id, await WhoIs(bob.Browser));
    }

    [Fact]
    public async Task Revoking_the_active_one_puts_another_in_its_place_and_the_last_one_leaves_nobody()
    {
        var (ada, bob) = await Two();

        var first = await app.Post(bob.Browser, Revoke, new { sessionToken = bob.Token });
        Assert.Equal("""{"status":true}""", first.Body);
        Assert.Equal(ada.Person.Id, await WhoIs(bob.Browser));
        Assert.Equal("session.revoked.1 revoked_on_device", (await app.History(bob.SessionId))[^1]);

        var last = await app.Post(bob.Browser, Revoke, new { sessionToken = ada.Token });
        Assert.Null(last.Header("set-auth-token"));
        SessionsApp.AssertCleared(last);
        Assert.False(await app.IsSignedIn(ada));
        Assert.Equal("[]", (await app.Get(bob.Browser, List)).Body);
        Assert.Equal(401, (await app.Post(bob.Browser, Revoke, new { sessionToken = ada.Token })).Status);
    }

    [Fact]
    public async Task Revoking_another_leaves_the_active_one_alone()
    {
        var (ada, bob) = await Two();

        var answer = await app.Post(bob.Browser, Revoke, new { sessionToken = ada.Token });

        Assert.Null(answer.Header("set-auth-token"));
        Assert.Equal((false, true), (await app.IsSignedIn(ada), await app.IsSignedIn(bob)));
    }

    [Fact]
    public async Task Signing_out_ends_them_all()
    {
        var (ada, bob) = await Two();

        var answer = await app.Post(bob.Browser, "/api/auth/sign-out", new { });

        Assert.Equal(5, answer.SetCookies.Count);
        Assert.Equal((false, false), (await app.IsSignedIn(ada), await app.IsSignedIn(bob)));
        Assert.Equal(["better-auth.last_used_login_method"], bob.Browser.Cookies.Keys);
        Assert.Equal(ada.Person.Id, (await app.Events(ada.SessionId))[^1].Metadata.Actor);
    }

    [Fact]
    public async Task A_sixth_user_signs_in_without_being_kept_beside_the_five()
    {
        var browser = app.Browser();
        for (var user = 0; user < 6; user++)
            await app.SignIn(await app.Registered(), browser);

        Assert.Equal(5, browser.Cookies.Keys.Count(name => name.StartsWith(SessionsApp.Multi, StringComparison.Ordinal)));
        Assert.Equal(5, (await app.Get(browser, List)).Json().GetArrayLength());
        Assert.NotNull(await WhoIs(browser));
    }

    [Fact]
    public async Task Fifty_sign_ins_of_one_browser_at_once_are_all_answered_and_its_old_session_ends()
    {
        var ada = await app.SignedIn();

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.SignIn(ada.Person, app.Again(ada).Browser, status: null)));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.False(await app.IsSignedIn(ada));
        Assert.Equal(2, (await app.History(ada.SessionId)).Count);
    }

    [Fact]
    public async Task Nobody_holds_nothing() => Assert.Equal("[]", (await app.Get(app.Browser(), List)).Body);

    private async Task<(Device Ada, Device Bob)> Two()
    {
        var ada = await app.SignedIn();
        var browser = app.Again(ada).Browser;
        var bob = await app.Registered("Bob");
        await app.SignIn(bob, browser);
        var session = (await app.GetSession(browser)).Json().GetProperty("session");
        return (ada, ada with
        {
            Browser = browser,
            Person = bob,
            SessionId = session.GetProperty("id").GetString()!,
            Token = session.GetProperty("token").GetString()!,
        });
    }

    private async Task<string?> WhoIs(Browser browser) => (await app.GetSession(browser)).Json().GetProperty("user").GetProperty("id").GetString();
}
