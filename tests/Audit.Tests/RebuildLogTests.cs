using System.Globalization;
using Modular.Audit.Contracts;
using Modular.Store;
using Xunit.Abstractions;

namespace Modular.Audit.Tests;

public sealed class RebuildLogTests(ITestOutputHelper output)
{
    [Fact]
    public Task The_log_made_again_under_traffic_is_the_same_byte_for_byte() => Drill(entries: 6_000);

    /// <summary>Issue 2's drill; how to run it is in docs/audit.md.</summary>
    [Drill, Trait("Category", "Drill")]
    public Task The_log_of_200_000_events_made_again_under_traffic_is_the_same_byte_for_byte() => Drill(entries: 200_000);

    [Fact]
    public async Task A_log_that_is_not_the_same_is_named_and_stays_as_it_is()
    {
        await using var app = await Started();
        await app.Value.AppendMany(50);
        await app.Value.Settled();
        await Tamper(app.Value, "update audit.entries set canonical = set_byte(canonical, 40, 33) where position = 17");

        var rebuilt = await app.Value.Send(new Contracts.RebuildLog());
        Assert.Equal((50, false, 17, 1), (rebuilt.Entries, rebuilt.Equal, rebuilt.FirstDifference, rebuilt.Differences));
        Assert.Equal(33, await app.Value.Count("select get_byte(canonical, 40) from audit.entries where position = 17"));
        Assert.Equal(0, await app.Value.Count("select count(*) from pg_class where relname = 'entries_rebuild'"));
    }

    [Fact]
    public async Task A_rebuild_that_is_cancelled_leaves_nothing_behind()
    {
        await using var app = await Started();
        await app.Value.AppendMany(6_000);
        await app.Value.Settled();
        using var cancel = new CancellationTokenSource();
        var progress = new Listener(_ => cancel.Cancel());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => app.Value.Send(new Contracts.RebuildLog(progress), cancel.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            app.Value.Send(new Contracts.RebuildReadModel("audit.search", Progress: progress), cancel.Token));
        Assert.Equal(0, await app.Value.Count("select count(*) from pg_class where relname in ('entries_rebuild', 'search_rebuild')"));
        Assert.True((await app.Value.Send(new Contracts.RebuildLog())).Equal);
    }

    [Theory]
    [InlineData("update audit.entries set canonical = set_byte(canonical, 100, 33) where position = 7", 7, "leaf_hash")]
    [InlineData("update audit.entries set canonical = set_byte(canonical, 100, 33), leaf = sha256('\\x00'::bytea || set_byte(canonical, 100, 33)) where position = 7", 7, "canonical_bytes")]
    [InlineData("update audit.entries set leaf = set_byte(leaf, 0, 255 - get_byte(leaf, 0)) where position = 0", 0, "leaf_hash")]
    [InlineData("update audit.entries set event_id = gen_random_uuid() where position = 9", 9, "event_id")]
    [InlineData("delete from audit.entries where position = 11", 11, "entry_missing")]
    [InlineData("delete from audit.entries where position >= 15", 15, "entry_missing")]
    [InlineData("delete from audit.entries where position = 11; update audit.entries set position = position - 1 where position > 11", 11, "event_missing_from_log")]
    [InlineData("insert into audit.entries select 20, event_id, epoch, xact, module, sequence, canonical, leaf from audit.entries where position = 4", 20, "entry_without_event")]
    [InlineData("update audit.entries set position = 30 where position = 5; update audit.entries set position = 5 where position = 6; update audit.entries set position = 6 where position = 30", 5, "event_missing_from_log")]
    public async Task What_a_superuser_did_to_the_log_is_named_with_its_position(string sql, long position, string problem)
    {
        await using var app = await Started();
        await app.Value.AppendMany(20, perUnit: 3);
        await app.Value.Settled();
        Assert.Equal((20, null, null), await Verify(app.Value));
        await Tamper(app.Value, sql);
        Assert.Equal((position, position, problem), await Verify(app.Value));
        Assert.Equal(position, (await app.Value.Send(new Contracts.RebuildLog())).FirstDifference);
    }

    [Fact]
    public async Task What_is_searched_is_made_anew_under_traffic_as_it_was()
    {
        await using var app = await Started();
        await app.Value.AppendMany(3_000);
        await app.Value.Append(new EventMetadata { Actor = "ada", IpAddress = "192.0.2.1", UserAgent = "Browser" }, ("n-s", new NoteWritten("n", "searched")));
        await app.Value.Settled();
        var indexes = await Indexes(app.Value);
        await app.Value.Sql("update audit.search set words = 'spoilt' where position = 3");
        using var stop = new CancellationTokenSource();
        var writing = Traffic(app.Value, stop.Token);
        var rebuilt = await app.Value.Send(new Contracts.RebuildReadModel("audit.search", Compare: true));
        await stop.CancelAsync();
        await writing;
        await app.Value.Settled();

        Assert.Equal(("audit.search", 1L), (rebuilt!.Name, rebuilt.Different));
        Assert.Equal(indexes, await Indexes(app.Value));
        Assert.Equal(0, await app.Value.Count("select count(*) from audit.entries e full join audit.search s using (position) where e.position is null or s.position is null"));
        Assert.Equal(0, await app.Value.Count("select count(*) from audit.search where words = 'spoilt'"));
        Assert.Equal(0L, (await app.Value.Send(new Contracts.RebuildReadModel("audit.search", Compare: true)))!.Different);
    }

    [Fact]
    public async Task Read_models_are_listed_and_unknown_ones_are_not_rebuilt()
    {
        await using var app = await Started();
        Assert.Contains("audit.search", await app.Value.Send(new ListReadModels()));
        Assert.Null(await app.Value.Send(new Contracts.RebuildReadModel("nobody.knows")));
    }

    private static async Task<(long, long?, string?)> Verify(AuditApp app)
    {
        var log = await app.Send(new Contracts.VerifyLog());
        return (log.Entries, log.FirstWrong, log.Problem);
    }

    private static async Task Tamper(AuditApp app, string sql) => await app.Sql(
        $"alter table audit.entries disable trigger all; alter table audit.entries_00000 disable trigger all; {sql}");

    private static async Task<Disposable<AuditApp>> Started()
    {
        var app = new AuditApp();
        await app.InitializeAsync();
        return new Disposable<AuditApp>(app);
    }

    private static async Task<string> Indexes(AuditApp app) => string.Join('\n',
        (await app.Sql("select indexdef from pg_indexes where schemaname = 'audit' and tablename = 'search' order by 1")).Select(row => row[0]));

    private static async Task Traffic(AuditApp app, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await app.AppendMany(20, perUnit: 5);
            await app.Scenario(_ =>
            {
                _.WithRequestHeader("X-Test-User", "root admin");
                _.Get.Url("/api/audit/entries?limit=20&module=alpha");
            });
        }
    }

    private async Task Drill(int entries)
    {
        await using var app = await Started();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await app.Value.AppendMany(entries);
        var appended = clock.Elapsed;
        while (await app.Value.Count("select count(*) from audit.entries") < entries)
            await Task.Delay(20);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"appended {entries / appended.TotalSeconds:0}/s, sealed {entries / clock.Elapsed.TotalSeconds:0}/s by {clock.Elapsed.TotalSeconds:0.0} s"));

        using var stop = new CancellationTokenSource();
        var writing = Traffic(app.Value, stop.Token);
        clock.Restart();
        var reports = new List<LogProgress>();
        var rebuilt = await app.Value.Send(new Contracts.RebuildLog(new Listener(reports.Add)));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"rebuilt {rebuilt.Entries / clock.Elapsed.TotalSeconds:0}/s"));
        clock.Restart();
        var verified = await app.Value.Send(new Contracts.VerifyLog());
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"verified {verified.Entries / clock.Elapsed.TotalSeconds:0}/s"));
        clock.Restart();
        var search = await app.Value.Send(new Contracts.RebuildReadModel("audit.search", Compare: true));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"search rebuilt {search!.Read / clock.Elapsed.TotalSeconds:0}/s"));
        await stop.CancelAsync();
        await writing;

        Assert.Equal((true, 0L, rebuilt.Root), (rebuilt.Equal, rebuilt.Differences, rebuilt.LogRoot));
        Assert.True(rebuilt.Entries >= entries && reports[^1].Done == rebuilt.Entries);
        Assert.Null(verified.Problem);
        Assert.Equal(0L, search.Different);
    }

    private sealed class Listener(Action<LogProgress> hear) : IProgress<LogProgress>
    {
        public void Report(LogProgress value) => hear(value);
    }
}

/// <summary>A test that takes minutes: run when MODULAR_DRILLS is 1.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DrillAttribute : FactAttribute
{
    public DrillAttribute()
    {
        if (Environment.GetEnvironmentVariable("MODULAR_DRILLS") != "1")
            Skip = "A drill: set MODULAR_DRILLS=1 to run it.";
    }
}
