using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
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
        Assert.True(await app.Count("select count(*) from audit.search where type = 'erasure.refused.1' and subject is null and actor = 'root' and reason = 'subject_not_found'") >= 1);
    }

    [Fact]
    public async Task What_somebody_types_that_is_no_subject_is_kept_nowhere_and_is_unknown_the_second_time_too()
    {
        foreach (var text in (string[])["wilma.secret@example.com", "Wilma Secret", "address:wilma", "anonymous:2026-13", "wilma\nsecret", ""])
            Assert.Equal("invalid_subject", (await Erase(text, 400)).Json().GetProperty("code").GetString());
        for (var time = 0; time < 2; time++)
        {
            Assert.Equal("subject_not_found", (await Erase("wilma-secret", 404)).Json().GetProperty("code").GetString());
            await app.Settled();
        }

        // As the log of an earlier version has it.
        await app.Append(("erasure-refusal:w", new ErasureRefused("wilma-secret", "subject_not_found", app.Clock.GetUtcNow())));
        await app.Settled();
        await Erase("wilma-secret", 404);
        Assert.Equal(0, await app.Count("select count(*) from audit.entries where convert_from(canonical, 'UTF8') ilike '%wilma%' and convert_from(canonical, 'UTF8') not like '%erasure-refusal:w\"%'"));
        Assert.Equal(0, await app.Count("select count(*) from store.subject_keys where subject like '%wilma%'"));
    }

    [Fact]
    public async Task What_is_refused_on_the_command_line_is_in_the_log_too()
    {
        // So that the month has a key.
        await app.Append(new EventMetadata { IpAddress = "198.51.100.9" }, ("t1", new NoteWritten("t1", "text")));
        Assert.Equal("subject_not_found", (await app.Send(new Contracts.RequestErasure("nobody-77", "by_operator"))).Problem);
        Assert.Equal("month_not_over", (await app.Send(new Contracts.RequestErasure($"anonymous:{app.Clock.GetUtcNow():yyyy-MM}", "by_operator"))).Problem);
        Assert.Equal("invalid_subject", (await app.Send(new Contracts.RequestErasure("no body", "by_operator"))).Problem);
        await app.Settled();
        Assert.Equal(
            ["|subject_not_found", $"anonymous:{app.Clock.GetUtcNow():yyyy-MM}|month_not_over"],
            (await app.Sql("select coalesce(subject, '') || '|' || reason from audit.search where type = 'erasure.refused.1' and actor is null and stream <> 'erasure-refusal:w' order by position")).Select(row => row[0]));
    }

    [Fact]
    public async Task A_month_of_nobody_is_erased_from_the_search_too()
    {
        var client = new EventMetadata { IpAddress = "198.51.100.88", UserAgent = "Mona/88" };
        await app.Append(client, ("nb1", new NoteWritten("nb1", "kept as it is")), ("nb2", new WishMade("nb2", "a wish of Lisa")));
        await app.Append(new EventMetadata { Actor = "lena" }, ("nb3", new WishMade("nb3", "a wish of Lena")));
        await app.Append(client, [.. Enumerable.Range(0, 700).Select(at => ($"nbm{at}", (object)new WishMade($"nbm{at}", "many wishes")))]);
        await app.Append(client, ("nb4", new GadgetMade("nb4", "paul", "Pauls gadget")));
        await app.Settled();
        const string Left = "select count(*) from audit.search where (subject is null and (words ilike '%wish of%' or words ilike '%many wishes%')) or (subject is null and host(ip) = '198.51.100.88')";
        Assert.Equal(703, await app.Count(Left));
        var month = app.Clock.GetUtcNow();
        await Erase($"anonymous:{month:yyyy-MM}", 409);
        app.Clock.Advance(month.AddMonths(1) - month);
        await app.Append(client, ("nb5", new WishMade("nb5", "a wish of next month")));
        await app.Settled();

        await Erase($"anonymous:{month:yyyy-MM}");
        await app.Settled();
        Assert.Equal(["nb5"], (await app.Sql("select stream from audit.search where subject is null and (words ilike '%wish of%' or host(ip) = '198.51.100.88' or user_agent = 'Mona/88')")).Select(row => row[0]));
        // What nobody had to hide, and what was about somebody, stays.
        Assert.Equal(1, await app.Count("select count(*) from audit.search where stream = 'nb1' and words like '%kept as it is%' and ip is null"));
        Assert.Equal(1, await app.Count("select count(*) from audit.search where stream = 'nb4' and host(ip) = '198.51.100.88' and words like '%Pauls%'"));
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
        await using (var connection = await app.Services.GetRequiredService<StoreDatabase>().Direct.OpenConnectionAsync())
            await app.Services.GetRequiredService<SearchForgetting>().ForgetSince(connection, "audit.search", begun, default);
        Assert.Equal(0, await app.Count("select count(*) from audit.search where words like '%Monas%'"));
        await app.Send(new Contracts.RebuildReadModel("audit.search"));
        Assert.Equal(0, await app.Count("select count(*) from audit.search where words like '%Monas%'"));
    }

    [Fact]
    public async Task Who_is_erased_while_a_rebuild_runs_is_not_in_the_new_table_before_it_is_the_live_one()
    {
        await app.Append(("r1", new GadgetMade("r1", "rita", "Ritas gadget")));
        await app.AppendMany(2_500);
        await app.Settled();
        // Sees the new table as it is when it gets the name.
        await app.Sql("""
            create function audit.look() returns event_trigger language plpgsql as $body$
            begin
                if to_regclass('audit.search') is null and exists (select from audit.search_rebuild where words like '%Ritas%') then
                    raise exception 'She is there again.';
                end if;
            end $body$
            """);
        await app.Sql("create event trigger look on ddl_command_start when tag in ('ALTER TABLE') execute function audit.look()");
        try
        {
            var copied = false;
            var progress = new AtOnce(() =>
            {
                if (copied)
                    return;
                copied = true;
                Assert.Equal(1, app.Count("select count(*) from audit.search_rebuild where words like '%Ritas%'").GetAwaiter().GetResult());
                Erase("rita").GetAwaiter().GetResult();
            });
            await app.Send(new Contracts.RebuildReadModel("audit.search", Progress: progress));
            Assert.True(copied);
        }
        finally
        {
            await app.Sql("drop event trigger look");
            await app.Sql("drop function audit.look()");
        }

        Assert.Equal(0, await app.Count("select count(*) from audit.search where words like '%Ritas%'"));
    }

    [Fact]
    public async Task Samples_are_taken_anew_by_a_role_that_only_owns_the_tables()
    {
        await app.AppendMany(50);
        await app.Settled();
        await app.Sql("analyze");
        await Erase("owner-7");
        var role = $"owner_{Guid.NewGuid():N}";
        await app.Sql($"""
            do $body$
            declare
                owned text;
            begin
                create role {role};
                execute format('grant create, connect on database %I to {role}', current_database());
                for owned in select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)' loop
                    execute format('alter schema %I owner to {role}', owned);
                end loop;
                for owned in
                    select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname !~ '^(pg_|information_schema)' and c.relkind in ('r', 'p', 'v')
                loop
                    execute format('alter table %s owner to {role}', owned);
                end loop;
            end $body$
            """);
        try
        {
            await using var database = StoreDatabase.Open($"{app.ConnectionString};Options=-c role={role}");
            using var sweep = new StatisticsSweep(
                database, app.Services.GetRequiredService<EventFeed>(), app.Clock, NullLogger<StatisticsSweep>.Instance);
            Assert.True(await sweep.Sweep(default) > 0);
            Assert.Equal(0, await sweep.Sweep(default));
            // What is somebody else's is left alone.
            await app.Sql("alter table audit.search owner to current_user");
            await Task.Delay(10);
            await Erase("owner-8");
            Assert.True(await sweep.Sweep(default) > 0);
            Assert.Equal(1, await app.Count("select count(*) from pg_stat_all_tables where relid = 'audit.search'::regclass and last_analyze < (select max(timestamp) from audit.mt_events where type = 'subject.erased.1')"));
        }
        finally
        {
            await app.Sql($"reassign owned by {role} to current_user");
            await app.Sql($"drop owned by {role}");
            await app.Sql($"drop role {role}");
        }
    }

    private sealed class AtOnce(Action act) : IProgress<Contracts.LogProgress>
    {
        public void Report(Contracts.LogProgress value) => act();
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
