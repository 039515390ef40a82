using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Modular.Store.Tests;

/// <summary>Exactly once, whoever works and whoever dies.</summary>
public sealed class SubscriptionTests(OwnServer server) : IClassFixture<OwnServer>, IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private string _database = "";
    private Node? _one;

    private Node One => _one!;

    public async Task InitializeAsync()
    {
        _database = await server.NewDatabase();
        _one = await Node.Start(_database);
    }

    public async Task DisposeAsync() => await One.DisposeAsync();

    [Fact]
    public async Task What_is_committed_is_applied_soon_and_once()
    {
        await One.StartDaemon();
        await One.Append("a", new JournalOpened("x"));
        await One.Daemon.WaitForNonStaleData(Patience);
        var watch = Stopwatch.StartNew();
        await One.Append("a", new LineWritten("y", 1));
        await One.Daemon.WaitForNonStaleData(Patience);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"It took {watch.Elapsed}: no hint was heard.");
        await One.StopDaemon();
        await One.StartDaemon();
        await One.Daemon.WaitForNonStaleData(Patience);
        Assert.Equal([("a", 1L), ("a", 2L)], await Ledger());
        Assert.Equal(SubscriptionStatus.Running, Assert.Single(One.Daemon.Statuses).State);
    }

    [Fact]
    public async Task Another_node_is_told_when_something_was_committed()
    {
        await using var two = await Node.Start(_database);
        await two.StartDaemon("two");
        await One.Append("a", new JournalOpened("x"));
        await two.Daemon.WaitForNonStaleData(Patience);
        // Only hints from elsewhere can wake the one that works: it commits nothing itself.
        await One.StartDaemon();
        var watch = Stopwatch.StartNew();
        await One.Append("a", new LineWritten("y", 1));
        await One.Daemon.WaitForNonStaleData(Patience);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"It took {watch.Elapsed}: no hint was heard.");
        Assert.Equal("two", await One.Value<string>("select distinct node from bank.ledger"));
    }

    [Fact]
    public async Task Hints_come_again_after_their_connections_were_lost()
    {
        await using var two = await Node.Start(_database);
        await two.StartDaemon("two");
        await One.StartDaemon();
        await One.Append("a", new JournalOpened("x"));
        await One.Daemon.WaitForNonStaleData(Patience);
        await One.Execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike any (array['listen%', 'notify%'])");
        await One.Append("a", new LineWritten("y", 1));
        await Until(async () => await One.Value<long>("select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'") == 2);
        var heard = two.Get<FeedSignal>().Next;
        await One.Append("a", new LineWritten("z", 1));
        await heard.WaitAsync(Patience);
        await One.Daemon.WaitForNonStaleData(Patience);
    }

    [Fact]
    public async Task A_node_that_stops_hands_over_at_once_and_stops_promptly()
    {
        await using var two = await Node.Start(_database);
        await One.StartDaemon();
        await Until(() => Task.FromResult(One.Daemon.Statuses.Any(status => status.State == SubscriptionStatus.Running)));
        await two.StartDaemon("two");
        await Until(() => Task.FromResult(two.Daemon.Statuses.Any(status => status.State == SubscriptionStatus.Standby)));
        await One.Append("a", new JournalOpened("x"));
        await two.Daemon.WaitForNonStaleData(Patience);

        var watch = Stopwatch.StartNew();
        await One.StopDaemon();
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"It took {watch.Elapsed} to stop.");
        await One.Append("a", new LineWritten("y", 1));
        await two.Daemon.WaitForNonStaleData(Patience);
        Assert.Equal(["one", "two"], (await One.Rows("select node from bank.ledger order by place")).Select(row => row[0]));
        watch.Restart();
        await two.StopDaemon();
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"It took {watch.Elapsed} to stop.");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_lost_its_lock_while_applying_a_page_changes_nothing_and_the_page_is_applied_once(bool hasProgress)
    {
        if (hasProgress)
        {
            await One.Append("0", new JournalOpened("w"));
            await One.StartDaemon("two");
            await One.Daemon.WaitForNonStaleData(Patience);
            await One.StopDaemon();
        }

        await One.Append("a", new JournalOpened("x"), new LineWritten("y", 1));
        await using var two = await Node.Start(_database);
        var (began, goOn, pages) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        One.Pen.BeforeCommit = async (_, ct) =>
        {
            if (Interlocked.Increment(ref pages) > 1)
                return;
            began.SetResult();
            await goOn.Task.WaitAsync(ct);
        };
        await One.StartDaemon();
        await began.Task.WaitAsync(Patience);

        // The lock goes with its connection; the page is still being applied.
        await One.Execute("select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())");
        await two.StartDaemon("two");
        await two.Daemon.WaitForNonStaleData(Patience);
        await One.Append("b", new JournalOpened("z"));
        await two.Daemon.WaitForNonStaleData(Patience);
        goOn.SetResult();
        await Until(() => Task.FromResult(One.Daemon.Statuses.Any(status => status.State is SubscriptionStatus.Standby)));

        Assert.Equal([("a", 1L), ("a", 2L), ("b", 1L)], (await Ledger()).Where(row => row.Stream != "0"));
        Assert.Equal("two", await One.Value<string>("select distinct node from bank.ledger"));
    }

    [Fact]
    public async Task A_page_that_fails_is_applied_again_and_another_node_may_be_luckier()
    {
        await One.Append("a", new JournalOpened("x"));
        var failed = 0;
        One.Pen.BeforeCommit = (_, _) => ++failed > 0 ? throw new InvalidOperationException("not here") : Task.CompletedTask;
        await One.StartDaemon();
        await Until(() => Task.FromResult(failed > 0));
        var status = Assert.Single(One.Daemon.Statuses);
        await Until(() => Task.FromResult(One.Daemon.Statuses.Any(now => now is { State: SubscriptionStatus.Failing, Problem: "not here" })));
        Assert.Empty(await Ledger());

        await using var two = await Node.Start(_database);
        await two.StartDaemon("two");
        await two.Daemon.WaitForNonStaleData(Patience);
        Assert.Equal([("a", 1L)], await Ledger());
    }

    [Fact]
    public async Task A_standby_whose_connection_dies_stands_by_again()
    {
        await One.StartDaemon();
        await One.Append("a", new JournalOpened("x"));
        await One.Daemon.WaitForNonStaleData(Patience);
        await using var two = await Node.Start(_database);
        await two.StartDaemon("two");
        await Until(() => Task.FromResult(two.Daemon.Statuses.Any(status => status.State == SubscriptionStatus.Standby)));
        await One.Execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'select pg_try_advisory_lock%'");
        await One.StopDaemon();
        await One.Append("a", new LineWritten("y", 1));
        await two.Daemon.WaitForNonStaleData(Patience);
        Assert.Equal([("a", 1L), ("a", 2L)], await Ledger());
    }

    [Fact]
    public async Task Progress_beyond_the_present_stops_loudly()
    {
        await One.Append("a", new JournalOpened("x"));
        await One.Execute("insert into bank.mt_event_progression (name, epoch, xact, module, seq_id) values ('ledger', 1, '999999999', 'journal', 1)");
        await One.StartDaemon();
        await Until(() => Task.FromResult(One.Daemon.Statuses.Any(status => status.State == SubscriptionStatus.Stopped)));
        Assert.Contains("beyond this database's present", Assert.Single(One.Daemon.Statuses).Problem!, StringComparison.Ordinal);
        Assert.Empty(await Ledger());
    }

    [Fact]
    public async Task An_event_that_only_a_newer_version_knows_stops_the_older_node_and_not_the_newer()
    {
        await using var older = Node.Create(_database, services =>
        {
            services.AddBank();
            services.ConfigureStore(Bank.JournalSchema, journal => journal.Events.MapEventType<JournalOpened>("journal.opened.1"));
        });
        await older.StartDaemon("older");
        await One.Append("a", new JournalOpened("x"));
        await older.Daemon.WaitForNonStaleData(Patience);
        await One.Append("a", new LineWritten("y", 1));
        await Until(() => Task.FromResult(older.Daemon.Statuses.Any(status => status.State == SubscriptionStatus.Stopped)));
        Assert.Contains("journal.line_written.2", Assert.Single(older.Daemon.Statuses).Problem!, StringComparison.Ordinal);
        await One.StartDaemon();
        await One.Daemon.WaitForNonStaleData(Patience);
        Assert.Equal([("a", 1L), ("a", 2L)], await Ledger());
    }

    [Fact]
    public async Task A_database_that_was_restored_into_another_cluster_goes_on_in_a_later_epoch()
    {
        await One.StartDaemon();
        await One.Append("a", new JournalOpened("x"));
        await One.Daemon.WaitForNonStaleData(Patience);
        await One.StopDaemon();
        // What a restore brings along: events and progress of transactions that this cluster has not reached.
        await One.Execute("update journal.mt_events set xact = (xact::text::bigint + 1000000)::text::xid8");
        await One.Execute("update journal.mt_streams set last_xact = (last_xact::text::bigint + 1000000)::text::xid8");
        await One.Execute("update bank.mt_event_progression set xact = (xact::text::bigint + 1000000)::text::xid8");

        await using var two = Node.Create(_database);
        // No start and no migration: it is enough that a connection is opened to write.
        await two.Append("b", new JournalOpened("y"));
        Assert.Equal(2, two.Database.Epoch);
        await using var three = await Node.Start(_database);
        Assert.Equal(2, three.Database.Epoch);
        await three.Append("b", new LineWritten("z", 1));
        Assert.Equal(["a", "b", "b"], (await three.Feed.ReadAfter(FeedPosition.Start, 10)).Select(e => e.StreamKey));
        await three.StartDaemon("three");
        await three.Daemon.WaitForNonStaleData(Patience);
        Assert.Equal([("a", 1L), ("b", 1L), ("b", 2L)], await Ledger());
    }

    [Fact]
    public async Task A_stream_of_the_epoch_before_can_be_appended_to()
    {
        await One.Append("a", new JournalOpened("x"));
        await One.Append("k", new AccountOpened("ada", null));
        await One.Execute("update journal.mt_events set xact = (xact::text::bigint + 1000000)::text::xid8");
        await One.Execute("update journal.mt_streams set last_xact = (last_xact::text::bigint + 1000000)::text::xid8");
        await One.Execute("update bank.mt_streams set last_xact = (last_xact::text::bigint + 1000000)::text::xid8");
        await using var two = await Node.Start(_database);
        await two.Append("a", new LineWritten("y", 1));
        await two.Append("k", new MoneyPaidIn(1));
        Assert.Equal(["a", "a"], (await two.Feed.ReadAfter(FeedPosition.Start, 10, ["journal"])).Select(e => e.StreamKey));
    }

    [Fact]
    public async Task Whatever_writers_do_and_whoever_dies_each_committed_event_is_applied_once_and_streams_in_order()
    {
        var seed = Environment.TickCount;
        await using var two = await Node.Start(_database);
        // Pages that take their time, so that locks are lost in the middle of them.
        One.Pen.BeforeCommit = two.Pen.BeforeCommit = (_, ct) => Task.Delay(Random.Shared.Next(0, 150), ct);
        var stop = DateTime.UtcNow.AddSeconds(6);
        var writers = Enumerable.Range(0, 8).Select(at => Write(at < 5 ? One : two, new Random(seed + at), stop)).ToList();
        var nodes = new[] { (Node: One, Name: "one"), (Node: two, Name: "two") }
            .Select((node, at) => RunWithRestarts(node.Node, node.Name, new Random(seed + 100 + at), stop)).ToList();
        var killer = Kill(new Random(seed + 200), stop);
        await Task.WhenAll([.. writers, .. nodes, killer]);

        await One.StartDaemon();
        await Until(() => IsSettled(One));
        var committed = (await One.Rows("select id from journal.mt_events union all select id from bank.mt_events")).Select(row => (Guid)row[0]!).ToHashSet();
        var applied = await One.Rows("select event_id, module, stream, version from bank.ledger order by place");
        Assert.True(committed.Count > 100, $"Only {committed.Count} events were committed (seed {seed}).");
        Assert.Equal(applied.Count, applied.Select(row => (Guid)row[0]!).Distinct().Count());
        Assert.True(committed.SetEquals(applied.Select(row => (Guid)row[0]!)), $"Applied is not what was committed (seed {seed}).");
        foreach (var stream in applied.GroupBy(row => (row[1], row[2])))
            Assert.Equal(Enumerable.Range(1, stream.Count()).Select(version => (long)version), stream.Select(row => (long)row[3]!));
    }

    // The pool still holds connections that were killed; whoever gets one is told.
    private static async Task<bool> IsSettled(Node node)
    {
        try
        {
            await node.Daemon.WaitForNonStaleData(Patience);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static async Task Write(Node node, Random random, DateTime stop)
    {
        while (DateTime.UtcNow < stop)
        {
            var (stream, kind) = ($"s{random.Next(6)}", random.Next(10));
            try
            {
                await (kind switch
                {
                    < 3 => node.Append(stream, new LineWritten("quick", 1)),
                    < 5 => node.Append($"acc{random.Next(4)}", new AccountOpened("ada", null), new MoneyPaidIn(1)),
                    < 6 => Fetch(node, stream),
                    _ => Raw(node, random, stream),
                });
            }
            catch (Exception failure) when (failure is NpgsqlException or ConcurrencyException)
            {
                // Killed, or overtaken: nothing was committed, or it was and nobody was told. The feed knows.
            }
        }
    }

    private static async Task Fetch(Node node, string stream)
    {
        await using var session = node.Session();
        (await session.Events.FetchForWriting<Journal>(stream)).AppendOne(new LineWritten("expected", 1));
        await session.SaveChangesAsync();
    }

    // Takes its id early or late, lingers, and commits, rolls back or dies.
    private static async Task Raw(Node node, Random random, string stream)
    {
        await using var writer = await RawWriter.Begin(node);
        if (random.Next(2) == 0)
            await writer.TakeId();
        await Task.Delay(random.Next(20));
        if (await writer.Append(stream, new LineWritten("raw", 1), new LineWritten("raw", 1)) is not null)
            return;
        await Task.Delay(random.Next(30));
        await (random.Next(4) switch
        {
            0 => writer.Rollback(),
            1 => writer.Die(),
            _ => writer.Commit(),
        });
    }

    private static async Task RunWithRestarts(Node node, string name, Random random, DateTime stop)
    {
        while (DateTime.UtcNow < stop)
        {
            await node.StartDaemon(name);
            await Task.Delay(random.Next(200, 900));
            await node.StopDaemon();
            await Task.Delay(random.Next(100));
        }
    }

    private async Task Kill(Random random, DateTime stop)
    {
        while (DateTime.UtcNow < stop)
        {
            await Task.Delay(random.Next(100, 500));
            await One.Execute(
                random.Next(3) > 0
                    ? "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())"
                    : "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() order by random() limit 1");
        }
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var late = new CancellationTokenSource(Patience);
        while (!await condition())
            await Task.Delay(10, late.Token);
    }

    private async Task<List<(string Stream, long Version)>> Ledger() =>
        [.. (await One.Rows("select stream, version from bank.ledger order by place")).Select(row => ((string)row[0]!, (long)row[1]!))];
}
