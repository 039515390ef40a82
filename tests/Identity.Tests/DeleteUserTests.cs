using Modular.Testing;

namespace Modular.Identity.Tests;

public sealed class DeleteUserTests(App app) : IClassFixture<App>
{
    private const string Deleted = """{"success":true,"message":"User deleted"}""";

    [Fact]
    public async Task A_user_who_leaves_leaves_nothing_behind()
    {
        var ada = await app.SignedUp(("name", "Ada Ineradicable"));
        var phone = app.Browser();
        await app.Scenario(_ => _.As(phone).Post.Json(new { email = ada.Email, password = People.Password }).ToUrl("/api/auth/sign-in/email"));
        await app.Post("/api/auth/request-password-reset", new() { ["email"] = ada.Email });
        await app.Settled();
        await app.Sql("create table if not exists app_order (id int generated always as identity, user_id text references neon_auth.users_sync on delete cascade)");
        await app.Sql("insert into app_order (user_id) values ($1)", ada.Id);

        var deleted = await Delete(ada, new { password = People.Password });
        Assert.Equal(Deleted, deleted.Body);
        Assert.Equal(3, deleted.OwnCookies.Count);
        await app.Settled();

        Assert.Equal("null", (await app.Scenario(_ => _.As(phone).Get.Url("/api/auth/get-session"))).Body);
        await app.SignIn(ada.Email, status: 401);
        foreach (var query in (string[])
        [
            "select count(*) from identity.mt_doc_user where id = $1", "select count(*) from identity.mt_doc_account where user_id = $1",
            "select count(*) from identity.mt_doc_verification where user_id = $1", "select count(*) from neon_auth.users_sync where id = $1",
            "select count(*) from sessions.mt_doc_session where user_id = $1", "select count(*) from profiles.mt_doc_profile where id = $1",
            "select count(*) from app_order where user_id = $1",
            "select count(*) from audit.search where (subject = $1 or actor = $1) and (ip is not null or user_agent is not null)",
        ])
            Assert.True(await app.Count(query, ada.Id) == 0, query);
        Assert.Equal(0, await app.Count("select count(*) from audit.search where words ilike '%ineradicable%' or words ilike $1", $"%{ada.Email.Split('@')[0]}%"));
        Assert.Equal(["Your account at 127.0.0.1 was deleted"], (await app.MailsTo(ada.Email)).Select(mail => mail.Subject()).TakeLast(1));

        // The act itself stays in the log, and says whose it was by id alone.
        Assert.Equal(1, await app.Count("select count(*) from audit.search where type = 'user.deleted.1' and subject = $1 and actor = $1", ada.Id));
    }

    [Fact]
    public async Task The_address_is_free_again_for_another_user()
    {
        var ada = await app.SignedUp();
        await Delete(ada, new { password = People.Password });
        var next = await app.SignedUp(("email", ada.Email));
        Assert.NotEqual(ada.Id, next.Id);
        await app.SignIn(ada.Email);
    }

    [Fact]
    public async Task Without_a_password_the_session_has_to_be_fresh()
    {
        var (ada, eve) = (await app.SignedUp(("rememberMe", true)), await app.SignedUp());
        Assert.Equal(Deleted, (await Delete(eve, new { })).Body);
        for (var hours = 0; hours < 25; hours += 5)
        {
            app.Clock.Advance(TimeSpan.FromHours(5));
            await app.Scenario(_ => _.As(ada.Browser).Get.Url("/api/auth/get-session"));
        }

        Assert.Contains("\"code\":\"SESSION_EXPIRED\"", (await Delete(ada, new { }, 400)).Body, StringComparison.Ordinal);
        Assert.Equal(["session_not_fresh"], await app.DeletionsRefused(ada.Id));
        Assert.Equal("""{"message":"Invalid password","code":"INVALID_PASSWORD"}""", (await Delete(ada, new { password = "nope-nope" }, 400)).Body);
        Assert.Equal(Deleted, (await Delete(ada, new { password = People.Password })).Body);
    }

    [Fact]
    public async Task Of_twenty_deletions_at_once_one_happens()
    {
        var ada = await app.SignedUp();
        var cookies = ada.Browser.CookieHeader;
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.Scenario(_ =>
        {
            _.WithRequestHeader("Cookie", cookies);
            _.WithRequestHeader("Origin", app.Url);
            _.Post.Json(new { password = People.Password }).ToUrl("/api/auth/delete-user");
            _.IgnoreStatusCode();
        })));
        Assert.All(results, result => Assert.True(result.Status is 200 or 401 or 400, $"{result.Status} {result.Body}"));
        Assert.Single(await app.EventsOf(ada.Id), type => type == "user.deleted.1");
        Assert.Contains(results, result => result.Body == Deleted);
    }

    [Fact]
    public async Task A_token_that_is_none_deletes_nobody()
    {
        var ada = await app.SignedUp();
        Assert.Equal("""{"message":"Invalid token","code":"INVALID_TOKEN"}""", (await Delete(ada, new { token = "bad" }, 404)).Body);
        Assert.Equal(["invalid_token"], await app.DeletionsRefused(ada.Id));
        await app.Scenario(_ =>
        {
            _.Post.Json(new { }).ToUrl("/api/auth/delete-user");
            _.StatusCodeShouldBe(401);
        });
        await app.SignIn(ada.Email);
    }

    [Fact]
    public async Task An_address_that_they_only_named_stays_whose_it_is()
    {
        var victim = $"victim-{Guid.NewGuid():N}@example.com";
        var eve = await app.SignedUp();
        await app.SignIn(victim, status: 401);
        await app.Settled();
        var nobody = (string)(await app.Sql("select subject from audit.search where subject like 'address:%' order by position desc limit 1"))[0][0]!;
        await app.Scenario(_ => _.As(eve.Browser).Post.Json(new { newEmail = victim }).ToUrl("/api/auth/change-email"));
        var mails = (await app.MailsTo(victim)).Count;
        Assert.True(mails > 0);
        await app.SignedUp(("email", victim));
        await app.Post("/api/auth/request-password-reset", new() { ["email"] = victim });
        var before = (await app.MailsTo(victim)).Count;
        Assert.True(before > mails);

        Assert.Equal(Deleted, (await Delete(eve, new { password = People.Password })).Body);
        await app.Settled();
        Assert.Equal(before, (await app.MailsTo(victim)).Count);
        Assert.Equal(1, await app.Count("select count(*) from store.subject_keys where subject = $1 and shredded is null", nobody));
        Assert.Equal(["1"], (await app.Sql("select jsonb_array_length(data -> 'also')::text from audit.mt_events where type = 'subject.erased.1' and data ->> 'subjectId' = $1", eve.Id)).Select(row => row[0]));
        await app.SignIn(victim);
    }

    private Task<ScenarioResult> Delete(Person person, object body, int status = 200) => app.Scenario(_ =>
    {
        _.As(person.Browser).Post.Json(body).ToUrl("/api/auth/delete-user");
        _.StatusCodeShouldBe(status);
    });
}
