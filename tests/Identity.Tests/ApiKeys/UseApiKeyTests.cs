using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class UseApiKeyTests(AppWithKeys app) : IClassFixture<AppWithKeys>
{
    [Fact]
    public async Task A_key_acts_as_a_session_of_its_owner()
    {
        var ada = await app.SignedUp();
        var made = await app.MadeKey(ada);
        var key = made.Text("key");
        var answer = await app.WithKey(key);
        Assert.Equal(ada.Id, answer.Json().GetProperty("user").Text("id"));
        Assert.Equal(made.Text("id"), answer.Json().GetProperty("session").Text("id"));
        Assert.Empty(answer.SetCookies);
        Assert.Contains(ada.Id, (await app.WithKey(key, "/api/profiles/me")).Body, StringComparison.Ordinal);
        await app.WithKey(key, "/api/auth/list-accounts");
        Assert.Equal(3, (await app.ReadKeys(ada, $"get?id={made.Text("id")}")).Json().GetProperty("requestCount").GetInt32());
    }

    [Fact]
    public async Task A_key_makes_changes_and_deletes_no_keys()
    {
        var ada = await app.SignedUp();
        var made = await app.MadeKey(ada);
        foreach (var (act, body) in new (string, object)[] { ("create", new { name = "x" }), ("update", new { keyId = made.Text("id"), name = "x" }), ("delete", new { keyId = made.Text("id") }) })
        {
            await app.Scenario(_ =>
            {
                _.WithRequestHeader("x-api-key", made.Text("key"));
                _.Post.Json(body).ToUrl($"/api/auth/api-key/{act}");
                _.StatusCodeShouldBe(401);
            });
        }

        Assert.Equal(["api_key.created.1"], await app.EventsOf(made.Text("id")));
    }

    [Fact]
    public async Task An_old_key_is_no_fresh_session()
    {
        var ada = await app.SignedUp();
        var key = (await app.MadeKey(ada)).Text("key");
        await app.Sql("update identity.mt_doc_api_key set data = jsonb_set(data, '{createdAt}', to_jsonb('2020-01-01T00:00:00Z'::text)) where user_id = $1", ada.Id);
        await app.WithKey(key, "/api/auth/list-sessions", 403);
    }

    [Fact]
    public async Task A_key_that_is_not_good_is_refused_whatever_is_asked_for()
    {
        var ada = await app.SignedUp();
        var made = await app.MadeKey(ada);
        var (id, key) = (made.Text("id"), made.Text("key"));
        Assert.Equal("""{"message":"Invalid API key.","code":"INVALID_API_KEY"}""", (await app.WithKey("short", status: 403)).Body);
        Assert.Equal("""{"message":"Invalid API key.","code":"INVALID_API_KEY"}""", (await app.WithKey(new string('a', 64), status: 401)).Body);
        Assert.Equal("invalid_api_key", (await app.WithKey(new string('a', 64), "/api/profiles/me", 401)).Json().Text("code"));

        await app.Keys(ada, "update", new { keyId = id, enabled = false });
        for (var time = 0; time < 3; time++)
            Assert.Equal("""{"message":"API Key is disabled","code":"KEY_DISABLED"}""", (await app.WithKey(key, status: 401)).Body);
        Assert.Equal(["key_disabled"], await app.Reasons("api_key.refused.1", ada.Id));

        await app.Keys(ada, "update", new { keyId = id, enabled = true });
        await app.WithKey(key);
        await app.Sql("update identity.mt_doc_user set data = data || '{\"banned\":true}', banned = true where id = $1", ada.Id);
        Assert.Equal("USER_BANNED", (await app.WithKey(key, status: 401)).Json().Text("code"));
    }

    [Fact]
    public async Task A_key_without_the_setting_acts_for_nobody()
    {
        await using var plain = await new App().Disposing(start: true);
        Assert.Equal("null", (await plain.App.WithKey(new string('a', 64))).Body);
        await plain.App.VerifyKey("x", status: 404);
        await plain.App.IssueKey(new { }, status: 404);
    }

    [Fact]
    public async Task Ten_uses_a_day_are_let_through_and_the_eleventh_is_told_when_to_come_again()
    {
        var ada = await app.SignedUp();
        var key = (await app.MadeKey(ada)).Text("key");
        for (var time = 0; time < 10; time++)
            await app.WithKey(key);
        var refused = await app.WithKey(key, status: 429);
        Assert.StartsWith("""{"message":"Rate limit exceeded.","code":"RATE_LIMITED","details":{"tryAgainIn":""", refused.Body, StringComparison.Ordinal);
        Assert.InRange(refused.Json().GetProperty("details").GetProperty("tryAgainIn").GetInt64(), 86_300_000, 86_400_000);
        Assert.NotNull(refused.Header("X-Retry-After"));
        await app.Sql("update identity.api_key_use set last_request = last_request - interval '25 hours' where user_id = $1", ada.Id);
        await app.WithKey(key);
    }

    [Fact]
    public async Task Of_fifty_uses_at_once_on_two_nodes_exactly_those_that_remain_are_let_through()
    {
        var ada = await app.SignedUp();
        var key = (await app.IssueKey(new { userId = ada.Id, remaining = 10, rateLimitEnabled = false })).Json().Text("key");
        var limited = (await app.IssueKey(new { userId = ada.Id, rateLimitMax = 10 })).Json().Text("key");
        await using var node = await app.AnotherNode().Disposing();
        foreach (var (used, refusal) in new[] { (key, "USAGE_EXCEEDED"), (limited, "RATE_LIMITED") })
        {
            var verdicts = await Task.WhenAll(Enumerable.Range(0, 50).Select(at => at % 2 == 0
                ? app.Verdict(used)
                : Code((at % 4 == 1 ? app : node.App).WithKey(used, status: null))));
            Assert.Equal(10, verdicts.Count(verdict => verdict == "ok"));
            Assert.Equal(40, verdicts.Count(verdict => verdict == refusal));
        }

        // One told for each key, however many were refused.
        Assert.Equal(["usage_exceeded", "rate_limited"], await app.Reasons("api_key.refused.1", ada.Id));
    }

    [Fact]
    public async Task Uses_are_refilled_when_their_time_has_come()
    {
        var ada = await app.SignedUp();
        var made = (await app.IssueKey(new { userId = ada.Id, remaining = 1, refillAmount = 2, refillInterval = 3_600_000 })).Json();
        var key = made.Text("key");
        Assert.Equal("ok", await app.Verdict(key));
        Assert.Equal("USAGE_EXCEEDED", await app.Verdict(key));
        await app.Sql("update identity.mt_doc_api_key set data = jsonb_set(data, '{createdAt}', to_jsonb('2020-01-01T00:00:00Z'::text)) where id = $1", made.Text("id"));
        Assert.Equal(["ok", "ok", "USAGE_EXCEEDED"], [await app.Verdict(key), await app.Verdict(key), await app.Verdict(key)]);
    }

    [Fact]
    public async Task Only_whoever_holds_the_verifiers_key_verifies_and_issues()
    {
        var ada = await app.SignedUp();
        foreach (var wrong in (string?[])[null, "", "wrong", KeyRing.VerifierKey + "x"])
        {
            Assert.Equal("unauthorized", (await app.VerifyKey("x", status: 401, verifier: wrong)).Json().Text("code"));
            Assert.Equal("unauthorized", (await app.IssueKey(new { userId = ada.Id }, 401, wrong)).Json().Text("code"));
        }

        Assert.Equal("user_not_found", (await app.IssueKey(new { userId = "nobody" }, 404)).Json().Text("code"));
        Assert.Equal("validation_failed", (await app.IssueKey(new { userId = ada.Id, remaining = -1 }, 400)).Json().Text("code"));
        Assert.Equal("validation_failed", (await app.IssueKey(new { userId = ada.Id, refillAmount = 1 }, 400)).Json().Text("code"));
        Assert.Equal("validation_failed", (await app.VerifyKey("", status: 400)).Json().Text("code"));
    }

    [Fact]
    public async Task A_key_permits_what_it_was_issued_for()
    {
        var ada = await app.SignedUp();
        var made = (await app.IssueKey(new { userId = ada.Id, name = "files", permissions = new { files = (string[])["read", "write"] } })).Json();
        var key = made.Text("key");
        Assert.Equal("ok", await app.Verdict(key));
        Assert.Equal("ok", await app.Verdict(key, new { files = (string[])["read"] }));
        Assert.Equal("KEY_NOT_FOUND", await app.Verdict(key, new { files = (string[])["delete"] }));
        Assert.Equal("KEY_NOT_FOUND", await app.Verdict((await app.MadeKey(ada)).Text("key"), new { files = (string[])["read"] }));
        var answer = (await app.VerifyKey(key)).Json().GetProperty("key");
        Assert.False(answer.TryGetProperty("key", out _));
        Assert.Equal(made.Text("id"), answer.Text("id"));
        Assert.Equal(3, answer.GetProperty("requestCount").GetInt32());
    }

    private static async Task<string> Code(Task<ScenarioResult> asked) => await asked is { Status: 200 } ? "ok" : (await asked).Json().Text("code");
}
