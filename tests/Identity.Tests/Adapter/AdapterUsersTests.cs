using System.Text.Json;

namespace Modular.Identity.Tests;

public sealed class AdapterUsersTests(AdapterApp app) : IClassFixture<AdapterApp>
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_user_is_made_with_an_id_of_ours_and_found_by_everything_that_names_them()
    {
        var email = People.NewAddress();
        var made = await app.Ask("create-user", new { id = "theirs", name = "Ada", email, emailVerified = "2026-01-02T03:04:05.678Z", image = "https://x.example/a.png", role = "admin", n = 1 });
        var id = made.Text("id");
        var whole = $$"""{"id":"{{id}}","name":"Ada","email":"{{email}}","emailVerified":"2026-01-02T03:04:05.678Z","image":"https://x.example/a.png"}""";
        Assert.Equal(whole, made.GetRawText());
        await app.Call("link-account", Applications.Account(id, "7"));

        await app.Finds(whole, "get-user", new { id });
        await app.Finds(whole, "get-user-by-email", new { email = email.ToUpperInvariant() });
        await app.Finds(whole, "get-user-by-account", new { provider = "keycloak", providerAccountId = "7" });
        Assert.Equal("user", (await app.Sql("select role from identity.mt_doc_user where id = $1", id))[0][0]);
        Assert.Equal(["authjs"], await app.Reasons("user.registered.1", id));
        await app.Settled();
        Assert.Equal(
            [id, "203.0.113.9"],
            (await app.Sql("select actor, host(ip) from audit.search where subject = $1 and type = 'user.registered.1'", id))[0]);
    }

    [Fact]
    public async Task Somebody_without_an_address_has_none_wherever_an_application_looks()
    {
        var made = await app.Ask("create-user", new { name = "No" });
        var id = made.Text("id");
        Assert.Equal($$"""{"id":"{{id}}","name":"No","email":null,"emailVerified":null,"image":null}""", made.GetRawText());
        Assert.NotEqual(id, (await app.Ask("create-user", new { emailVerified = "2026-01-02T03:04:05.678Z" })).Text("id"));
        Assert.Equal([null, "null"], (await app.Sql("select email, (raw_json -> 'email')::text from neon_auth.users_sync where id = $1", id))[0]);
        Assert.Equal([null, null], (await app.Sql("select email, \"emailVerified\" from authjs.\"user\" where id = $1", id))[0]);

        var place = (string)(await app.Sql("select email from identity.mt_doc_user where id = $1", id))[0][0]!;
        await app.Finds(null, "get-user-by-email", new { email = place });
        await app.Call("create-user", new { email = place }, 400);
        Assert.Equal(id, (await app.Ask("update-user", new { id, email = "now@example.com", emailVerified = "2026-01-02T03:04:05.678Z" })).Text("id"));
        Assert.Equal("now@example.com", (await app.Sql("select email from neon_auth.users_sync where id = $1", id))[0][0]);
    }

    [Theory]
    [InlineData("get-user", """{"id":"unknown"}""")]
    [InlineData("get-user", """{"id":"a\u0000b"}""")]
    [InlineData("get-user", """{"id":""}""")]
    [InlineData("get-user", """{"id":null}""")]
    [InlineData("get-user", "{}")]
    [InlineData("get-user-by-email", """{"email":"unknown@example.com"}""")]
    [InlineData("get-user-by-email", """{"email":"%"}""")]
    [InlineData("get-user-by-email", """{"email":"a\u0000b"}""")]
    [InlineData("get-user-by-email", "{}")]
    [InlineData("get-user-by-account", """{"provider":"keycloak","providerAccountId":"unknown"}""")]
    [InlineData("get-user-by-account", """{"provider":"keycloak"}""")]
    [InlineData("get-user-by-account", """{"provider":"\u0000","providerAccountId":"\u0000"}""")]
    [InlineData("get-account", """{"provider":"keycloak","providerAccountId":"unknown"}""")]
    [InlineData("use-verification-token", """{"token":"unknown"}""")]
    [InlineData("use-verification-token", """{"identifier":"a\u0000","token":"b\u0000"}""")]
    [InlineData("get-authenticator", """{"credentialID":"no base64"}""")]
    [InlineData("get-authenticator", """{"credentialID":"AAAA"}""")]
    [InlineData("delete-user", """{"id":"unknown"}""")]
    [InlineData("delete-user", """{"id":"a\u0000b"}""")]
    [InlineData("unlink-account", """{"provider":"keycloak","providerAccountId":"unknown"}""")]
    public async Task What_is_not_there_is_null_and_nothing_else(string method, string body)
    {
        var answer = await app.Scenario(_ =>
        {
            _.Post.RawJson(body).ToUrl($"/api/adapter/{method}");
            _.WithRequestHeader("Authorization", $"Bearer {AdapterApp.Key}");
            _.HeaderShouldBe("Cache-Control", "no-store");
        });
        Assert.Equal("""{"data":null}""", answer.Body);
    }

    [Theory]
    [InlineData("create-user", """{"email":1}""")]
    [InlineData("create-user", """{"name":"a\u0000b"}""")]
    [InlineData("create-user", """{"emailVerified":"soon"}""")]
    [InlineData("create-user", "[]")]
    [InlineData("create-user", "{oops")]
    [InlineData("update-user", """{"name":"Ada"}""")]
    [InlineData("update-user", """{"id":"1","emailVerified":"soon"}""")]
    [InlineData("update-user", """{"id":"1","name":{}}""")]
    [InlineData("update-user", "[]")]
    [InlineData("link-account", """{"userId":"1","provider":"p","providerAccountId":"2"}""")]
    [InlineData("link-account", """{"userId":"1","type":"oidc","provider":"p","providerAccountId":"2","access_token":"\u0000"}""")]
    [InlineData("create-verification-token", """{"identifier":"a","expires":"2026-01-02T03:04:05.678Z"}""")]
    [InlineData("create-authenticator", """{"credentialID":"!","userId":"1","credentialPublicKey":"AA==","counter":-1,"credentialDeviceType":"x","credentialBackedUp":true}""")]
    [InlineData("update-authenticator-counter", """{"credentialID":"AAAA","newCounter":-1}""")]
    public async Task What_is_malformed_is_no_answer_that_could_be_taken_for_one(string method, string body)
    {
        var answer = await app.Scenario(_ =>
        {
            _.Post.RawJson(body).ToUrl($"/api/adapter/{method}");
            _.WithRequestHeader("Authorization", $"Bearer {AdapterApp.Key}");
            _.StatusCodeShouldBe(400);
        });
        Assert.True(answer.Json().TryGetProperty("error", out _), answer.Body);
    }

    [Fact]
    public async Task What_a_change_leaves_out_stays_and_null_clears()
    {
        var email = People.NewAddress();
        var id = await app.MadeUser(email);
        await app.Finds($$"""{"id":"{{id}}","name":"Ada","email":"{{email}}","emailVerified":null,"image":"a"}""", "update-user", new { id, image = "a" });
        await app.Finds($$"""{"id":"{{id}}","name":null,"email":"{{email}}","emailVerified":null,"image":"a"}""", "update-user", new { id, name = (string?)null });
        const string At = "2026-01-02T03:04:05.678Z";
        await app.Finds($$"""{"id":"{{id}}","name":null,"email":"{{email}}","emailVerified":"{{At}}","image":"a"}""", "update-user", new { id, emailVerified = At });
        await app.Finds($$"""{"id":"{{id}}","name":null,"email":"{{email}}","emailVerified":"{{At}}","image":"a"}""", "update-user", new { id });
        var other = People.NewAddress();
        await app.Finds($$"""{"id":"{{id}}","name":null,"email":"{{other}}","emailVerified":"{{At}}","image":"a"}""", "update-user", new { id, email = other });
        await app.Finds($$"""{"id":"{{id}}","name":null,"email":"{{other}}","emailVerified":null,"image":"a"}""", "update-user", new { id, emailVerified = (string?)null });
        await app.Finds($$"""{"id":"{{id}}","name":null,"email":null,"emailVerified":null,"image":"a"}""", "update-user", new { id, email = (string?)null });
        Assert.Equal(
            ["user.registered.1", "user.updated.1", "user.updated.1", "user.email_verified.1", "user.email_changed.1", "user.email_unverified.1", "user.email_changed.1"],
            await app.EventsOf(id));
        Assert.Equal("user_not_found", (await app.Call("update-user", new { id = "unknown", name = "x" }, 404)).Code());
    }

    [Fact]
    public void What_is_so_already_is_no_change()
    {
        var ada = User.Create(new UserRegistered("1", "Ada", "ada@example.com", null, true, User.DefaultRole, Noon));
        var same = new UpdateAdapterUser.Command("1", new(true, "Ada"), new(true, null), new(true, "ada@example.com"), new(true, Noon), "");
        Assert.Empty(UpdateAdapterUser.Decide(ada, same, Noon));
        Assert.Equal(
            [new UserEmailChanged("1", "none@1.address.invalid", false, Noon)],
            UpdateAdapterUser.Decide(ada, same with { Email = new(true, null) }, Noon));
    }

    [Fact]
    public async Task An_address_is_one_users_however_it_is_written()
    {
        var email = People.NewAddress();
        await app.MadeUser(email);
        Assert.Equal("email_taken", (await app.Call("create-user", new { email = email.ToUpperInvariant() }, 409)).Code());
        var other = await app.MadeUser();
        Assert.Equal("email_taken", (await app.Call("update-user", new { id = other, email }, 409)).Code());

        var address = People.NewAddress();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.Call("create-user", new { email = address }, status: null)));
        Assert.Equal(49, answers.Count(answer => answer.Status == 409));
        Assert.Single(answers, answer => answer.Status == 200);
    }

    [Fact]
    public async Task Names_and_pictures_that_do_not_fit_keep_nobody_out()
    {
        var made = await app.Ask("create-user", new { name = new string('x', 5_000), image = new string('y', 40_000), email = People.NewAddress() });
        Assert.Equal((200, JsonValueKind.Null), (made.Text("name").Length, made.GetProperty("image").ValueKind));
    }

    [Fact]
    public async Task Whoever_registered_an_address_here_without_showing_that_it_is_theirs_is_out_when_its_owner_comes_by_a_link()
    {
        var intruder = await app.SignedUp();
        var id = (await app.Ask("get-user-by-email", new { email = intruder.Email })).Text("id");
        Assert.Equal(intruder.Id, id);
        var changed = await app.Ask("update-user", new { id, emailVerified = DateTimeOffset.UtcNow });
        Assert.Equal(JsonValueKind.String, changed.GetProperty("emailVerified").ValueKind);
        await app.SignIn(intruder.Email, status: 401);
        Assert.Equal("null", (await app.Scenario(_ => _.As(intruder.Browser).Get.Url("/api/auth/get-session"))).Body);
    }

    [Fact]
    public async Task Whoever_came_by_the_application_keeps_the_accounts_it_gave_them()
    {
        var id = await app.MadeUser();
        await app.Call("link-account", Applications.Account(id, "kept"));
        await app.Call("update-user", new { id, emailVerified = DateTimeOffset.UtcNow });
        Assert.Equal(id, (await app.Ask("get-user-by-account", new { provider = "keycloak", providerAccountId = "kept" })).Text("id"));
    }

    [Fact]
    public async Task Nothing_is_left_of_a_deleted_user()
    {
        var email = People.NewAddress();
        var id = await app.MadeUser(email);
        await app.Call("link-account", Applications.Account(id, "gone"));
        await app.Call("create-authenticator", Applications.Authenticator(id, Applications.NewId()));
        await app.Call("create-session", new { sessionToken = Guid.NewGuid(), userId = id, expires = DateTimeOffset.UtcNow.AddDays(1) });
        await app.Call("create-verification-token", new { identifier = email, token = "ab", expires = DateTimeOffset.UtcNow.AddDays(1) });
        await app.Finds(null, "delete-user", new { id });
        await app.Finds(null, "get-user", new { id });
        foreach (var table in (string[])["identity.mt_doc_account", "identity.mt_doc_passkey", "sessions.mt_doc_session", "identity.mt_doc_verification"])
            Assert.Equal(0, await app.Count($"select count(*) from {table} where user_id = $1", id));
        Assert.Equal(0, await app.Count("select count(*) from neon_auth.users_sync where id = $1", id));
        Assert.Equal(["by_application"], await app.Reasons("user.deleted.1", id));
        await app.Finds(null, "delete-user", new { id });
    }

    [Fact]
    public async Task The_last_administrator_stays()
    {
        var root = await app.Root();
        Assert.Equal("last_administrator", (await app.Call("delete-user", new { id = root.Id }, 400)).Code());
        Assert.Equal(["last_administrator"], await app.DeletionsRefused(root.Id));
    }

    [Fact]
    public async Task Nothing_is_given_to_a_user_who_is_being_deleted()
    {
        for (var round = 0; round < 10; round++)
        {
            var id = await app.MadeUser();
            await Task.WhenAll(
                app.Call("delete-user", new { id }, status: null),
                app.Call("link-account", Applications.Account(id, Applications.NewId()), status: null),
                app.Call("create-authenticator", Applications.Authenticator(id, Applications.NewId()), status: null),
                app.Call("create-session", new { sessionToken = Guid.NewGuid(), userId = id, expires = DateTimeOffset.UtcNow.AddDays(1) }, status: null));
            Assert.Equal("null", (await app.Ask("get-user", new { id })).GetRawText());
            foreach (var table in (string[])["identity.mt_doc_account", "identity.mt_doc_passkey", "sessions.mt_doc_session"])
                Assert.Equal(0, await app.Count($"select count(*) from {table} where user_id = $1", id));
        }
    }
}
