using Microsoft.Extensions.DependencyInjection;

namespace Modular.Audit.Tests;

/// <summary>A server that keeps its log for ten days.</summary>
public sealed class RetentionApp() : AuditApp(new() { ["Audit:Retention"] = "10.00:00:00" })
{
}

/// <summary>
/// Partitions of 2¹⁶ positions instead of 2²⁰, by the one function of the database that says so; all else is as it always is.
/// </summary>
public sealed class RetentionTests(RetentionApp app) : IClassFixture<RetentionApp>
{
    private const long Partition = 1 << 16;

    [Fact]
    public async Task A_partition_whose_newest_entry_is_old_enough_is_dropped_and_what_it_proves_stays()
    {
        await app.Settled();
        await SmallPartitions();
        var sweep = app.Services.GetRequiredService<RetentionSweep>();
        await app.AppendMany((int)Partition - 500);
        Assert.Equal(0, await sweep.Sweep(default));
        app.Clock.Advance(TimeSpan.FromDays(6));
        await app.AppendMany(1_500);
        await app.Settled();
        var before = await app.Send(new Contracts.VerifyLog());
        Assert.Null(before.FirstWrong);
        Assert.Equal(0, before.First);

        // The newest of the first partition is not old enough yet, however old the others are.
        app.Clock.Advance(TimeSpan.FromDays(6));
        Assert.Equal(0, await sweep.Sweep(default));
        app.Clock.Advance(TimeSpan.FromDays(5));
        Assert.Equal(1, await sweep.Sweep(default));
        Assert.Equal(0, await sweep.Sweep(default));
        await app.Settled();

        Assert.Equal(Partition, await app.Count("select min(position) from audit.entries"));
        Assert.Equal(Partition, await app.Count("select min(position) from audit.search"));
        Assert.Equal(1, await app.Count("select count(*) from audit.search where type = 'log.shortened.1'"));
        await TheRestIsWhole(before.Entries);
        await WhatLiesBeforeIsRefused();

        // The modules' own events stay: states are made from them.
        Assert.True(await app.Count("select count(*) from alpha.mt_events") > Partition);
        // And it goes on.
        await app.AppendMany(10);
        await app.Settled();
        Assert.Null((await app.Send(new Contracts.VerifyLog())).FirstWrong);
    }

    private async Task TheRestIsWhole(long entriesBefore)
    {
        var verified = await app.Send(new Contracts.VerifyLog());
        Assert.True(verified.FirstWrong is null, $"{verified.FirstWrong} {verified.Problem} before {verified.WrongBefore}");
        Assert.Equal(Partition, verified.First);
        Assert.True(verified.Entries > entriesBefore);
        var rebuilt = await app.Send(new Contracts.RebuildLog());
        Assert.True(rebuilt.Equal, $"{rebuilt.Differences} from {rebuilt.FirstDifference}");
        Assert.Equal((Partition, verified.Root), (rebuilt.First, rebuilt.Root));
        // The root over all, the dropped ones among them, from the boundary alone.
        var boundary = await app.Services.GetRequiredService<LogBoundaries>().Last(default);
        var tree = boundary.Tree();
        foreach (var row in await app.Sql("select leaf from audit.entries order by position"))
            tree.Append((byte[])row[0]!);
        Assert.Equal(verified.Root, Convert.ToHexStringLower(tree.Root()));
        Assert.NotNull(await app.Send(new Contracts.RebuildReadModel("audit.search", Compare: true)));
    }

    private async Task WhatLiesBeforeIsRefused()
    {
        foreach (var path in (string[])["entries/5", "entries?toPosition=9", $"entries?before={Partition}", "replay?from=7"])
        {
            var answer = (await Ask(path, 410)).Json();
            Assert.Equal(("entries_dropped", Partition), (answer.GetProperty("code").GetString(), answer.GetProperty("details").GetProperty("first").GetInt64()));
        }

        await Ask($"entries/{Partition}");
        await Ask("entries/99999999", 404);
        Assert.Contains($"\"position\":{Partition},", (await Ask("replay?from=0&until=" + (Partition + 1))).Body, StringComparison.Ordinal);
    }

    private Task<Testing.ScenarioResult> Ask(string path, int status = 200) => app.Scenario(_ =>
    {
        _.WithRequestHeader("X-Test-User", "root admin");
        _.Get.Url($"/api/audit/{path}");
        _.StatusCodeShouldBe(status);
    });

    // The second partition was made with the first, for 2²⁰ positions; it is empty.
    private async Task SmallPartitions() => await app.Sql("""
        do $do$
        begin
            execute 'create or replace function audit.partition_bits() returns integer language sql immutable as ''select 16''';
            create temporary table kept on commit drop as select * from audit.entries;
            drop table audit.entries_00000;
            drop table audit.entries_00001;
            perform audit.make_partition(0);
            perform audit.make_partition(1);
            insert into audit.entries select * from kept;
        end $do$
        """);
}
