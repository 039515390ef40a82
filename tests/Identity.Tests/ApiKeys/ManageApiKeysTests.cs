namespace Modular.Identity.Tests;

public sealed class ManageApiKeysTests(AppWithKeys app) : IClassFixture<AppWithKeys>
{
    private const string NotFound = """{"message":"API Key not found","code":"KEY_NOT_FOUND"}""";

    [Fact]
    public async Task The_key_is_shown_once_and_only_its_hash_is_stored()
    {
        var ada = await app.SignedUp();
        var made = await app.MadeKey(ada, new { name = "ci", prefix = "ci_", expiresIn = 172800, metadata = new { a = 1 } });
        var key = made.Text("key");
        Assert.Matches("^ci_[a-zA-Z]{64}$", key);
        Assert.Equal(key[..6], made.Text("start"));
        Assert.Equal(ada.Id, made.Text("referenceId"));
        Assert.Equal(TimeSpan.FromDays(2), made.GetProperty("expiresAt").GetDateTimeOffset() - made.GetProperty("createdAt").GetDateTimeOffset());

        var read = (await app.ReadKeys(ada, $"get?id={made.Text("id")}")).Body;
        Assert.DoesNotContain("\"key\"", read, StringComparison.Ordinal);
        Assert.Contains("""{"a":1}""", read, StringComparison.Ordinal);
        var listed = (await app.ReadKeys(ada, "list")).Body;
        Assert.Equal($$"""{"apiKeys":[{{read}}],"total":1}""", listed);

        foreach (var table in (string[])["identity.mt_events", "identity.mt_doc_api_key", "identity.api_key_use", "audit.search"])
        {
            if ((await app.Sql("select to_regclass($1)::text", table))[0][0] is not null)
                Assert.Equal(0, await app.Count($"select count(*) from {table} t where t::text like $1", $"%{key[9..]}%"));
        }
    }

    [Theory]
    [InlineData("""{"name":"ci","remaining":5}""", "SERVER_ONLY_PROPERTY")]
    [InlineData("""{"permissions":{}}""", "SERVER_ONLY_PROPERTY")]
    [InlineData("""{"rateLimitEnabled":false}""", "SERVER_ONLY_PROPERTY")]
    [InlineData("""{"rateLimitMax":1}""", "SERVER_ONLY_PROPERTY")]
    [InlineData("""{"refillAmount":1,"refillInterval":1}""", "SERVER_ONLY_PROPERTY")]
    [InlineData("""{"expiresIn":60}""", "EXPIRES_IN_IS_TOO_SMALL")]
    [InlineData("""{"expiresIn":1e300}""", "EXPIRES_IN_IS_TOO_LARGE")]
    [InlineData("""{"name":"123456789012345678901234567890123"}""", "INVALID_NAME_LENGTH")]
    [InlineData("""{"prefix":"123456789012345678901234567890123"}""", "INVALID_PREFIX_LENGTH")]
    [InlineData("""{"prefix":"no spaces"}""", "VALIDATION_ERROR")]
    [InlineData("""{"expiresIn":0}""", "VALIDATION_ERROR")]
    [InlineData("""{"metadata":"text"}""", "INVALID_METADATA_TYPE")]
    [InlineData("""{"organizationId":"x"}""", "ORGANIZATION_PLUGIN_REQUIRED")]
    public async Task What_a_key_may_not_be_is_refused(string body, string code)
    {
        var ada = await app.SignedUp();
        var answer = await app.Scenario(_ =>
        {
            _.As(ada.Browser).Post.RawJson(body).ToUrl("/api/auth/api-key/create");
            _.StatusCodeShouldBe(400);
        });
        Assert.Equal(code, answer.Json().Text("code"));
        Assert.Equal("""{"apiKeys":[],"total":0}""", (await app.ReadKeys(ada, "list")).Body);
    }

    [Fact]
    public async Task Whoever_is_signed_out_manages_no_keys()
    {
        Assert.Equal("UNAUTHORIZED_SESSION", (await app.Keys(null, "create", new { name = "ci" }, 401)).Json().Text("code"));
        Assert.Equal("UNAUTHORIZED_SESSION", (await app.Keys(null, "update", new { keyId = "x", name = "ci" }, 401)).Json().Text("code"));
        Assert.Equal("UNAUTHORIZED", (await app.Keys(null, "delete", new { keyId = "x" }, 401)).Json().Text("code"));
        await app.ReadKeys(null, "list", 401);
        await app.ReadKeys(null, "get?id=x", 401);
        Assert.Equal("UNAUTHORIZED_SESSION", (await app.Keys(await app.SignedUp(), "create", new { userId = "somebody" }, 401)).Json().Text("code"));
    }

    [Fact]
    public async Task A_key_is_renamed_disabled_and_deleted_and_each_is_an_event()
    {
        var ada = await app.SignedUp();
        var id = (await app.MadeKey(ada)).Text("id");
        var updated = (await app.Keys(ada, "update", new { keyId = id, name = "ci2", enabled = false, expiresIn = 86400 * 2, metadata = new { b = 2 } })).Json();
        Assert.Equal("ci2", updated.Text("name"));
        Assert.False(updated.GetProperty("enabled").GetBoolean());
        await app.Keys(ada, "update", new { keyId = id, name = "ci2" });
        Assert.Equal("NO_VALUES_TO_UPDATE", (await app.Keys(ada, "update", new { keyId = id }, 400)).Json().Text("code"));
        Assert.Equal("SERVER_ONLY_PROPERTY", (await app.Keys(ada, "update", new { keyId = id, remaining = 4 }, 400)).Json().Text("code"));
        Assert.Equal("INVALID_NAME_LENGTH", (await app.Keys(ada, "update", new { keyId = id, name = "" }, 400)).Json().Text("code"));
        var endless = (await app.Keys(ada, "update", new Dictionary<string, object?> { ["keyId"] = id, ["expiresIn"] = null })).Json();
        Assert.Equal(System.Text.Json.JsonValueKind.Null, endless.GetProperty("expiresAt").ValueKind);

        Assert.Equal("""{"success":true}""", (await app.Keys(ada, "delete", new { keyId = id })).Body);
        Assert.Equal(NotFound, (await app.Keys(ada, "delete", new { keyId = id }, 404)).Body);
        Assert.Equal(["api_key.created.1", "api_key.updated.1", "api_key.updated.1", "api_key.deleted.1"], await app.EventsOf(id));
    }

    [Fact]
    public async Task Somebody_elses_key_is_as_good_as_none_and_asking_for_it_is_recorded()
    {
        var (ada, eve) = (await app.SignedUp(), await app.SignedUp());
        var id = (await app.MadeKey(ada)).Text("id");
        Assert.Equal(NotFound, (await app.ReadKeys(eve, $"get?id={id}", 404)).Body);
        Assert.Equal(NotFound, (await app.Keys(eve, "update", new { keyId = id, enabled = false }, 404)).Body);
        Assert.Equal(NotFound, (await app.Keys(eve, "delete", new { keyId = id }, 404)).Body);
        Assert.Equal(NotFound, (await app.ReadKeys(eve, "get?id=nobodys", 404)).Body);
        Assert.Equal(["not_own_key", "not_own_key", "not_own_key"], await app.Reasons("api_key.refused.1", ada.Id));
        Assert.Contains("\"enabled\":true", (await app.ReadKeys(ada, $"get?id={id}")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_is_sorted_and_paged()
    {
        var ada = await app.SignedUp();
        foreach (var name in (string[])["b", "c", "a"])
            await app.MadeKey(ada, new { name });
        var page = (await app.ReadKeys(ada, "list?sortBy=name&sortDirection=desc&limit=1&offset=1")).Json();
        Assert.Equal("b", page.GetProperty("apiKeys")[0].Text("name"));
        Assert.Equal((3, 1, 1), (page.GetProperty("total").GetInt32(), page.GetProperty("limit").GetInt32(), page.GetProperty("offset").GetInt32()));
        Assert.Equal("VALIDATION_ERROR", (await app.ReadKeys(ada, "list?limit=-1", 400)).Json().Text("code"));
        Assert.Equal("VALIDATION_ERROR", (await app.ReadKeys(ada, "list?limit=x", 400)).Json().Text("code"));
    }

    [Fact]
    public async Task Of_many_keys_made_at_once_a_user_gets_as_many_as_anybody_may_have()
    {
        var ada = await app.SignedUp();
        await using var node = await app.AnotherNode().Disposing();
        var browser = ada.Browser;
        var made = await Task.WhenAll(Enumerable.Range(0, 20).Select(at => (at % 2 == 0 ? app : node.App).Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", browser.CookieHeader);
            _.WithRequestHeader("Origin", at % 2 == 0 ? app.Url : node.App.Url);
            _.Post.Json(new { name = "ci" }).ToUrl("/api/auth/api-key/create");
            _.IgnoreStatusCode();
        })));
        Assert.Equal(3, await app.Count("select count(*) from identity.mt_doc_api_key where user_id = $1", ada.Id));
        Assert.Equal(3, made.Count(answer => answer.Status == 200));
        Assert.Equal("API_KEY_LIMIT_REACHED", (await app.Keys(ada, "create", new { name = "one more" }, 403)).Json().Text("code"));
        Assert.Contains("api_key_limit_reached", await app.Reasons("api_key.refused.1", ada.Id));
    }

    [Fact]
    public async Task The_keys_of_a_user_go_with_them_also_one_that_is_made_meanwhile()
    {
        for (var round = 0; round < 5; round++)
        {
            var ada = await app.SignedUp();
            var key = (await app.MadeKey(ada)).Text("key");
            var cookies = ada.Browser.CookieHeader;
            await Task.WhenAll(
                app.Scenario(_ => _.As(ada.Browser).Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user")),
                app.Scenario(_ =>
                {
                    _.WithRequestHeader("Cookie", cookies);
                    _.WithRequestHeader("Origin", app.Url);
                    _.Post.Json(new { name = "late" }).ToUrl("/api/auth/api-key/create");
                    _.IgnoreStatusCode();
                }));
            Assert.Equal("INVALID_API_KEY", await app.Verdict(key));
            Assert.Equal(0, await app.Count("select count(*) from identity.mt_doc_api_key where user_id = $1", ada.Id));
            Assert.Equal(0, await app.Count("select count(*) from identity.api_key_use where user_id = $1", ada.Id));
        }
    }

    [Fact]
    public async Task What_only_servers_do_is_not_offered_over_HTTP()
    {
        var ada = await app.SignedUp();
        foreach (var act in (string[])["verify", "delete-all-expired-api-keys"])
            Assert.Equal("", (await app.Keys(ada, act, new { key = "x" }, 404)).Body);
    }
}

public sealed class ApiKeysOffTests(AppWithoutKeys app) : IClassFixture<AppWithoutKeys>
{
    [Fact]
    public async Task A_group_that_is_off_has_no_routes_and_no_key_is_taken()
    {
        var ada = await app.SignedUp();
        Assert.Equal("", (await app.Keys(ada, "create", new { name = "ci" }, 404)).Body);
        Assert.Equal("", (await app.ReadKeys(ada, "list", 404)).Body);
        await app.VerifyKey("x", status: 404);
        Assert.Equal("null", (await app.WithKey(new string('a', 64))).Body);
    }
}
