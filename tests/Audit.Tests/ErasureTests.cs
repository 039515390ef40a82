using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Audit.Tests;

public sealed class RequestErasureTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("ada", true, false, null)]
    [InlineData("ada", true, true, "subject_has_account")]
    [InlineData("ada", false, false, "subject_not_found")]
    [InlineData("anonymous:2026-10", true, false, null)]
    [InlineData("anonymous:2026-11", true, false, "month_not_over")]
    [InlineData("anonymous:2027-01", true, false, "month_not_over")]
    [InlineData("address:ab12", true, false, null)]
    public void Who_is_known_and_has_no_account_may_be_erased(string subject, bool isKnown, bool hasAccount, string? refusal) =>
        Assert.Equal(refusal, RequestErasure.Decide(subject, isKnown, hasAccount, Now)?.Code);
}

public sealed class ErasureOverHttp(AuditApp app) : IClassFixture<AuditApp>
{
    [Fact]
    public async Task An_administrator_erases_a_subject_and_the_log_says_who_asked_and_stays_provable()
    {
        await app.Append(new EventMetadata { Actor = "olga", IpAddress = "198.51.100.7", UserAgent = "Olga/1" }, ("o1", new GadgetMade("o1", "olga", "Olgas secret gadget")));
        await app.Settled();
        Assert.Contains("Olgas secret", (await Replay()).Body, StringComparison.Ordinal);
        var erased = (await Erase("olga")).Json();
        Assert.Equal(("olga", true), (erased.GetProperty("subject").GetString(), erased.GetProperty("isNew").GetBoolean()));
        Assert.DoesNotContain("Olgas secret", (await Replay()).Body, StringComparison.Ordinal);
        await app.Settled();
        Assert.Equal(0, await app.Count("select count(*) from audit.search where (subject = 'olga' and words like '%secret%') or host(ip) = '198.51.100.7' or user_agent like 'Olga%'"));
        Assert.Equal(
            ["olga|root|by_administrator"],
            (await app.Sql("select concat_ws('|', subject, actor, reason) from audit.search where type = 'subject.erased.1' and subject = 'olga'")).Select(row => row[0]));
        Assert.Null((await app.Send(new Contracts.VerifyLog())).FirstWrong);

        // Once more does no harm; nobody's is not there; who is no administrator may not.
        Assert.False((await Erase("olga")).Json().GetProperty("isNew").GetBoolean());
        Assert.Equal("subject_not_found", (await Erase("nobody-at-all", 404)).Json().GetProperty("code").GetString());
        await Erase("olga", 403, "eve");
        await Erase("", 400);
        await app.Settled();
        Assert.Equal(1, await app.Count("select count(*) from audit.search where type = 'erasure.refused.1' and subject = 'nobody-at-all' and reason = 'subject_not_found'"));
    }

    [Fact]
    public async Task Another_node_forgets_a_shredded_key_at_once()
    {
        var node = await app.Another();
        try
        {
            await app.Append(("n1", new GadgetMade("n1", "nora", "Noras gadget")));
            await node.Settled();
            Assert.Contains("Noras gadget", (await Replay(node)).Body, StringComparison.Ordinal);
            await Erase("nora");
            // Not within a minute, as without being told: as fast as a notification travels.
            for (var deadline = DateTime.UtcNow.AddSeconds(5); (await Replay(node)).Body.Contains("Noras gadget", StringComparison.Ordinal); await Task.Delay(20))
                Assert.True(DateTime.UtcNow < deadline, "the other node still opens it");
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task Rows_that_a_rebuild_made_before_the_erasure_do_not_come_back()
    {
        await app.AppendMany(3_000);
        await app.Append(("m1", new GadgetMade("m1", "mona", "Monas gadget")));
        await app.Settled();
        var begun = app.Clock.GetUtcNow();
        await Erase("mona");
        await app.Settled();
        // As a rebuild that read it before would leave it.
        await app.Sql("update audit.search set words = 'gadget made 1 Monas gadget' where subject = 'mona' and type = 'gadget.made.1'");
        await app.Services.GetRequiredService<SearchForgetting>().ForgetSince(begun, default);
        Assert.Equal(0, await app.Count("select count(*) from audit.search where words like '%Monas%'"));
        await app.Send(new Contracts.RebuildReadModel("audit.search"));
        Assert.Equal(0, await app.Count("select count(*) from audit.search where words like '%Monas%'"));
    }

    private static Task<ScenarioResult> Replay(AuditApp node) => node.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url("/api/audit/replay?from=0");
    });

    private Task<ScenarioResult> Replay() => Replay(app);

    private Task<ScenarioResult> Erase(string subject, int status = 200, string user = "root admin") => app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", user);
        _.Post.Json(new { subject }).ToUrl("/api/audit/erasures");
        _.StatusCodeShouldBe(status);
    });
}
