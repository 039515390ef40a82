using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class AdapterAccountsTests(AdapterApp app) : IClassFixture<AdapterApp>
{
    [Fact]
    public async Task An_account_comes_back_as_it_was_given_and_only_to_the_application()
    {
        var id = await app.MadeUser();
        var token = new string('t', 12_000);
        var given = $$"""{"userId":"{{id}}","type":"oidc","provider":"key/cloak","providerAccountId":"a/b?c#d%20+é","refresh_token":"rt","access_token":"{{token}}","expires_at":9007199254740991,"token_type":"bearer","scope":"openid email","id_token":"it","session_state":"ss"}""";
        var linked = await app.Scenario(_ =>
        {
            _.Post.RawJson(given[..^1] + ""","refresh_token_expires_in":5}""").ToUrl("/api/adapter/link-account");
            _.WithRequestHeader("Authorization", $"Bearer {AdapterApp.PreviousKey}");
        });
        Assert.Equal($$"""{"data":{{given}}}""", linked.Body);
        await app.Finds(given, "get-account", new { provider = "key/cloak", providerAccountId = "a/b?c#d%20+é" });

        var row = (string)(await app.Sql("select data::text from identity.mt_doc_account where user_id = $1", id))[0][0]!;
        Assert.DoesNotContain(token, row, StringComparison.Ordinal);
        Assert.DoesNotContain("\"rt\"", row, StringComparison.Ordinal);
        Assert.DoesNotContain("\"it\"", row, StringComparison.Ordinal);
        Assert.Equal(["authjs"], await app.Reasons("account.linked.1", id));
        Assert.Equal(
            ["oidc", "key/cloak", null, null, null, 9007199254740991L, "bearer", "openid email", "ss"],
            (await app.Sql(
                "select type, provider, refresh_token, access_token, id_token, expires_at, token_type, scope, session_state from authjs.account where \"userId\" = $1", id))[0]);
    }

    [Fact]
    public async Task What_was_not_given_is_not_there()
    {
        var (id, name) = (await app.MadeUser(), Applications.NewId());
        await app.Call("link-account", new { userId = id, type = "webauthn", provider = "passkey", providerAccountId = name });
        await app.Finds($$"""{"userId":"{{id}}","type":"webauthn","provider":"passkey","providerAccountId":"{{name}}"}""", "get-account", new { provider = "passkey", providerAccountId = name });
    }

    [Fact]
    public async Task Both_halves_of_the_key_count_and_so_does_case()
    {
        var (id, name) = (await app.MadeUser(), $"Sub{Applications.NewId()}");
        await app.Call("link-account", Applications.Account(id, name));
        await app.Finds(null, "get-user-by-account", new { provider = "other", providerAccountId = name });
        await app.Finds(null, "get-user-by-account", new { provider = "keycloak", providerAccountId = name.ToUpperInvariant() });
        await app.Finds(null, "get-user-by-account", new { provider = "keycloak", providerAccountId = name[..3] + "%" });
    }

    [Fact]
    public async Task An_account_stays_whose_it_is()
    {
        var (ada, bob, name) = (await app.MadeUser(), await app.MadeUser(), Applications.NewId());
        await app.Call("link-account", Applications.Account(ada, name));
        await app.Call("link-account", Applications.Account(ada, name));
        Assert.Equal("account_taken", (await app.Call("link-account", Applications.Account(bob, name), 409)).Code());
        Assert.Equal(["account_taken"], await app.Reasons("account.change_refused.1", bob));
        Assert.Equal(ada, (await app.Ask("get-user-by-account", new { provider = "keycloak", providerAccountId = name })).Text("id"));
        Assert.Equal("user_not_found", (await app.Call("link-account", Applications.Account("unknown", Applications.NewId()), 404)).Code());

        var contested = Applications.NewId();
        var people = await Task.WhenAll(Enumerable.Range(0, 25).Select(_ => app.MadeUser()));
        var answers = await Task.WhenAll(people.Concat(people).Select(id => app.Call("link-account", Applications.Account(id, contested), status: null)));
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 409, answer.Body));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_doc_account where account_id = $1", contested));
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'account.linked.1' and stream_id = (select 'account:' || id from identity.mt_doc_account where account_id = $1)", contested));
    }

    [Fact]
    public async Task A_user_loses_an_account_once_and_quietly()
    {
        var (id, name) = (await app.MadeUser(), Applications.NewId());
        await app.Call("link-account", Applications.Account(id, name));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.Finds(null, "unlink-account", new { provider = "keycloak", providerAccountId = name })));
        await app.Finds(null, "get-user-by-account", new { provider = "keycloak", providerAccountId = name });
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'account.unlinked.1' and data ->> 'userId' = $1", id));
    }

    [Fact]
    public async Task A_provider_of_ours_with_the_same_name_knows_nothing_of_it()
    {
        var ada = await app.SignedUp();
        await app.Call("link-account", new { userId = ada.Id, type = "oauth", provider = "github", providerAccountId = "1", access_token = "theirs" });
        var account = (string)(await app.Sql("select id from identity.mt_doc_account where user_id = $1 and issuer = 'authjs:github'", ada.Id))[0][0]!;
        await app.Scenario(_ =>
        {
            _.As(ada.Browser).Post.Json(new { accountId = account }).ToUrl("/api/auth/get-access-token");
            _.StatusCodeShouldBe(400);
        });
        Assert.Contains("authjs:github", (await app.Scenario(_ => _.As(ada.Browser).Get.Url("/api/auth/list-accounts"))).Body, StringComparison.Ordinal);
    }
}

public sealed class AdapterTokensTests(AdapterApp app) : IClassFixture<AdapterApp>
{
    [Fact]
    public async Task A_token_is_good_once_with_its_own_address_and_kept_as_a_digest()
    {
        var (email, token) = (People.NewAddress(), new string('a', 64));
        var whole = $$"""{"identifier":"{{email}}","token":"{{token}}","expires":"2099-01-02T03:04:05.006Z"}""";
        await app.Finds(whole, "create-verification-token", new { identifier = email, token, expires = "2099-01-02T03:04:05.006Z" });
        await app.Finds(null, "use-verification-token", new { identifier = "else@example.com", token });
        await app.Finds(null, "use-verification-token", new { identifier = email, token = token.ToUpperInvariant() });
        Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_verification where data::text like '%' || $1 || '%' or data::text like '%' || $2 || '%'", token, email));
        await app.Finds(whole, "use-verification-token", new { identifier = email, token });
        await app.Finds(null, "use-verification-token", new { identifier = email, token });
    }

    [Fact]
    public async Task Several_may_be_open_and_none_twice()
    {
        var email = People.NewAddress();
        object Token(string token) => new { identifier = email, token, expires = "2099-01-02T03:04:05.006Z" };
        await app.Call("create-verification-token", Token("one"));
        await app.Call("create-verification-token", Token("two"));
        Assert.Equal("verification_token_taken", (await app.Call("create-verification-token", Token("two"), 409)).Code());
        Assert.Equal("two", (await app.Ask("use-verification-token", Token("two"))).Text("token"));
        Assert.Equal("one", (await app.Ask("use-verification-token", Token("one"))).Text("token"));
    }

    [Fact]
    public async Task One_that_is_over_is_handed_out_and_gone()
    {
        var email = People.NewAddress();
        await app.Call("create-verification-token", new { identifier = email, token = "late", expires = "2020-01-02T03:04:05.006Z" });
        Assert.Equal("2020-01-02T03:04:05.006Z", (await app.Ask("use-verification-token", new { identifier = email, token = "late" })).Text("expires"));
        await app.Finds(null, "use-verification-token", new { identifier = email, token = "late" });
    }

    [Fact]
    public async Task Of_fifty_uses_at_once_one_gets_it()
    {
        await using var other = await app.OtherNode();
        var id = await app.MadeUser(People.NewAddress());
        var email = (await app.Ask("get-user", new { id })).Text("email");
        await app.Call("create-verification-token", new { identifier = email, token = "race", expires = "2099-01-02T03:04:05.006Z" });
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(at =>
            (at % 2 == 0 ? app : other.App).Call("use-verification-token", new { identifier = email, token = "race" })));
        Assert.Single(answers, answer => answer.Body != """{"data":null}""");
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'verification_token.used.1' and data ->> 'userId' = $1", id));
    }

    [Fact]
    public async Task The_log_tells_of_an_address_that_is_nobodys_by_a_hash()
    {
        var email = People.NewAddress();
        await app.Call("create-verification-token", new { identifier = email, token = "log", expires = "2099-01-02T03:04:05.006Z" });
        await app.Call("use-verification-token", new { identifier = email, token = "log" });
        var events = await app.Sql(
            "select type, data ->> 'addressHash', position($1 in data::text) from identity.mt_events where type like 'verification_token.%' order by seq_id desc limit 2", email);
        Assert.Equal(["verification_token.used.1", "verification_token.created.1"], events.Select(row => row[0]));
        Assert.All(events, row => Assert.Equal((64, 0), (((string)row[1]!).Length, row[2])));
    }
}

/// <summary>A second server, disposed with the test.</summary>
internal sealed class OtherNode(App app) : IAsyncDisposable
{
    public App App => app;

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}

internal static class OtherNodes
{
    public static async Task<OtherNode> OtherNode(this App app) => new(await app.AnotherNode());
}

public sealed class AdapterAuthenticatorsTests(AdapterApp app) : IClassFixture<AdapterApp>
{
    [Fact]
    public async Task An_authenticator_is_a_passkey_of_its_user()
    {
        var ada = await app.SignedUp();
        var given = $$"""{"credentialID":"+/8BAgM=","userId":"{{ada.Id}}","providerAccountId":"+/8BAgM=","credentialPublicKey":"pQECAyY=","counter":4294967295,"credentialDeviceType":"multiDevice","credentialBackedUp":true,"transports":"usb,nfc"}""";
        var made = await app.Scenario(_ =>
        {
            _.Post.RawJson(given).ToUrl("/api/adapter/create-authenticator");
            _.WithRequestHeader("Authorization", $"Bearer {AdapterApp.Key}");
        });
        Assert.Equal($$"""{"data":{{given}}}""", made.Body);
        await app.Finds(given, "get-authenticator", new { credentialID = "+/8BAgM=" });
        await app.Finds($"[{given}]", "list-authenticators", new { userId = ada.Id });
        var listed = await app.Scenario(_ => _.As(ada.Browser).Get.Url("/api/auth/passkey/list-user-passkeys"));
        Assert.Contains("\"credentialID\":\"-_8BAgM\"", listed.Body, StringComparison.Ordinal);
        Assert.Equal(
            ["+/8BAgM=", ada.Id, "+/8BAgM=", "pQECAyY=", 4294967295L, "multiDevice", true, "usb,nfc"],
            (await app.Sql("select * from authjs.authenticator where \"userId\" = $1", ada.Id))[0]);
        Assert.Equal(1, await app.Count("select count(*) from identity.mt_events where type = 'passkey.added.1' and data ->> 'userId' = $1", ada.Id));
    }

    /// <summary>Auth.js registers whoever brings a passkey under any address that nobody has.</summary>
    [Fact]
    public async Task Of_whoever_came_by_a_passkey_under_an_address_nothing_is_left_once_its_owner_shows_that_it_is_theirs()
    {
        var (name, token) = (Applications.NewId(), Guid.NewGuid().ToString());
        var id = (await app.Call("create-user", new { email = People.NewAddress() })).Json().GetProperty("data").GetProperty("id").GetString()!;
        await app.Call("link-account", new { userId = id, type = "webauthn", provider = "passkey", providerAccountId = name });
        await app.Call("create-session", new { sessionToken = token, userId = id, expires = app.Clock.GetUtcNow().AddDays(1) });
        await app.Call("create-authenticator", Applications.Authenticator(id, name));

        await app.Call("update-user", new { id, emailVerified = app.Clock.GetUtcNow() });

        await app.Finds("null", "get-authenticator", new { credentialID = name });
        await app.Finds("null", "get-account", new { provider = "passkey", providerAccountId = name });
        await app.Finds("null", "get-session-and-user", new { sessionToken = token });
    }

    [Fact]
    public async Task A_counter_is_what_the_application_says_and_its_use_is_in_the_log()
    {
        var (id, name) = (await app.MadeUser(), Applications.NewId());
        await app.Call("create-authenticator", Applications.Authenticator(id, name));
        foreach (var counter in (long[])[5, 0, 4294967295])
            Assert.Equal(counter, (await app.Ask("update-authenticator-counter", new { credentialID = name, newCounter = counter })).GetProperty("counter").GetInt64());
        Assert.Equal(4294967295, (await app.Ask("get-authenticator", new { credentialID = name })).GetProperty("counter").GetInt64());
        Assert.Equal(3, await app.Count("select count(*) from identity.mt_events where type = 'passkey.used.1' and data ->> 'userId' = $1", id));
        Assert.Equal("authenticator_not_found", (await app.Call("update-authenticator-counter", new { credentialID = "AAAA", newCounter = 1 }, 404)).Code());
    }

    [Fact]
    public async Task A_key_is_one_users_and_a_user_has_so_many()
    {
        var (ada, bob, name) = (await app.MadeUser(), await app.MadeUser(), Applications.NewId());
        await app.Call("create-authenticator", Applications.Authenticator(ada, name));
        Assert.Equal("authenticator_taken", (await app.Call("create-authenticator", Applications.Authenticator(bob, name), 409)).Code());
        Assert.Equal("user_not_found", (await app.Call("create-authenticator", Applications.Authenticator("unknown", Applications.NewId()), 404)).Code());
        await app.Finds("[]", "list-authenticators", new { userId = "unknown" });
        await app.Finds("[]", "list-authenticators", new { userId = "a\0b" });

        var answers = await Task.WhenAll(Enumerable.Range(0, Passkey.MostPerUser + 10).Select(_ =>
            app.Call("create-authenticator", Applications.Authenticator(bob, Applications.NewId()), status: null)));
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 409, answer.Body));
        Assert.True(await app.Count("select count(*) from identity.mt_doc_passkey where user_id = $1", bob) <= Passkey.MostPerUser);
    }
}
