using Npgsql;

namespace Modular.Store.Tests;

/// <summary>What open, late and dead transactions do to the feed.</summary>
public sealed class FeedTests(OwnServer server) : IClassFixture<OwnServer>, IAsyncLifetime
{
    private string? _database;
    private Node? _node;

    private Node Node => _node!;

    public async Task InitializeAsync()
    {
        _database = await server.NewDatabase();
        _node = await Node.Start(_database);
    }

    public async Task DisposeAsync() => await Node.DisposeAsync();

    [Fact]
    public async Task Writers_that_commit_out_of_order_are_each_read_once_in_the_order_of_their_transactions()
    {
        await using var first = await RawWriter.Begin(Node);
        await first.Append("a", new JournalOpened("first"));
        await using var second = await RawWriter.Begin(Node);
        await second.Append("b", new JournalOpened("second"));
        await Node.Append("c", new JournalOpened("third"));
        var reader = new Reader(Node);
        Assert.Empty(await reader.Next());

        await second.Commit();
        Assert.Empty(await reader.Next());
        await first.Commit();
        Assert.Equal(["a", "b", "c"], await reader.Next());
        Assert.Empty(await reader.Next());
    }

    [Fact]
    public async Task Writers_that_roll_back_or_die_between_append_and_commit_leave_no_gap_and_no_trace()
    {
        var reader = new Reader(Node);
        await Node.Append("a", new JournalOpened("1"));
        await using var back = await RawWriter.Begin(Node);
        await back.Append("b", new JournalOpened("2"), new LineWritten("2", 1));
        await using var dead = await RawWriter.Begin(Node);
        await dead.Append("c", new JournalOpened("3"));
        await Node.Append("d", new JournalOpened("4"));
        Assert.Equal(["a"], await reader.Next());
        await back.Rollback();
        Assert.Empty(await reader.Next());
        await dead.Die();
        Assert.Equal(["d"], await reader.Next());
        await Node.Append("c", new JournalOpened("5"));
        Assert.Equal(["c"], await reader.Next());
        Assert.Equal(1L, (await Node.Session().Events.FetchStreamStateAsync<Journal>("c"))!.Version);
    }

    [Fact]
    public async Task A_transaction_that_took_its_id_before_a_stream_moved_on_may_not_append_to_it()
    {
        await Node.Append("a", new JournalOpened("1"));
        await using var early = await RawWriter.Begin(Node);
        var id = await early.TakeId();
        await Node.Append("a", new LineWritten("2", 1));
        Assert.IsType<TransactionTooOldException>(await early.Append("a", new LineWritten("late", 1)));
        await early.Rollback();

        var events = await Node.Session().Events.FetchStreamAsync<Journal>("a");
        Assert.True(events[1].Position.Transaction > id);
        Assert.Equal(["a", "a"], await new Reader(Node).Next());
    }

    [Fact]
    public async Task A_unit_of_work_whose_transaction_is_too_old_is_sent_again_in_a_new_one()
    {
        await Node.Append("a", new JournalOpened("1"));
        await using var session = Node.Session();
        session.Events.Append("a", new LineWritten("3", 1));
        // The fence is the first write of a page: it takes the transaction's id, and here it waits with it.
        await using var gate = await Node.Database.Direct.OpenConnectionAsync();
        await using var closed = await gate.BeginTransactionAsync();
        await Run(gate, "select pg_advisory_xact_lock(77)");
        ((DocumentSession)session).QueueFirst(new SqlOperation(
            "with id as materialized (select pg_current_xact_id()) select pg_advisory_xact_lock(77) from id", [], null));
        var commit = session.SaveChangesAsync();
        await Waiting(1);
        await Node.Append("a", new LineWritten("2", 1));
        await closed.CommitAsync();
        await commit;

        var events = await Node.Session().Events.FetchStreamAsync<Journal>("a");
        Assert.Equal(["2", "3"], events.Skip(1).Select(e => ((LineWritten)e.Data).Text));
        Assert.True(events[2].Position > events[1].Position);
        Assert.Equal(["a", "a", "a"], await new Reader(Node).Next());
    }

    [Fact]
    public async Task A_writer_that_expects_a_version_is_too_old_and_not_wrong()
    {
        await Node.Append("a", new AccountOpened("ada", null));
        await using var session = Node.Session();
        var stream = await session.Events.FetchForWriting<Account>("a");
        stream.AppendOne(new MoneyPaidIn(1));
        // As if the stream's last append had a younger transaction than any the session can begin for now.
        await Node.Execute("update bank.mt_streams set last_xact = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 3)::text::xid8 where id = 'a'");
        await session.SaveChangesAsync();
        Assert.Equal(2L, (await session.Events.FetchStreamStateAsync<Account>("a"))!.Version);
    }

    [Fact]
    public async Task An_old_open_transaction_holds_the_feed_back_and_nothing_is_skipped_after_it_ends()
    {
        // Not even ours: any transaction of the cluster that has an id.
        await using var other = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_database) { Database = "postgres", Pooling = false }.ConnectionString);
        await other.OpenAsync();
        await using var open = await other.BeginTransactionAsync();
        await Run(other, "select pg_current_xact_id()");
        await Node.StartDaemon();
        for (var at = 0; at < 20; at++)
            await Node.Append($"s{at}", new JournalOpened("x"));
        await Task.Delay(300);
        Assert.Empty(await Node.Rows("select 1 from bank.ledger"));
        Assert.True(await EventFeed.IsHeldBack(
            await Node.Database.Pooled.OpenConnectionAsync(), FeedPosition.Start, ["bank", "journal"], default));

        await open.CommitAsync();
        await Node.Daemon.WaitForNonStaleData(TimeSpan.FromSeconds(10));
        Assert.Equal(
            Enumerable.Range(0, 20).Select(at => $"s{at}"),
            (await Node.Rows("select stream from bank.ledger order by place")).Select(row => (string)row[0]!));
    }

    [Fact]
    public async Task Within_a_transaction_modules_follow_each_other_by_name_and_events_by_number()
    {
        await using var session = Node.Session();
        session.Events.Append("j1", new JournalOpened("x"));
        session.Events.Append("b1", new AccountOpened("ada", null), new MoneyPaidIn(1));
        session.Events.Append("j2", new JournalOpened("x"), new LineWritten("y", 1));
        await session.SaveChangesAsync();
        await Node.Append("b2", new AccountOpened("eve", null));
        string[] all = ["b1", "b1", "j1", "j2", "j2", "b2"];
        for (var size = 1; size <= 6; size++)
        {
            var reader = new Reader(Node, size);
            var read = new List<string>();
            while (await reader.Next() is { Count: > 0 } page)
                read.AddRange(page);
            Assert.Equal(all, read);
        }

        Assert.Equal(["b1", "b1", "b2"], await new Reader(Node, 10, "bank").Next());
        Assert.Equal(["j1", "j2", "j2"], await new Reader(Node, 10, "journal").Next());
        Assert.Equal(("bank", "b2"), await Node.Feed.Latest() is var latest ? (latest.Module, all[^1]) : default);
    }

    [Fact]
    public async Task A_page_in_the_middle_of_a_huge_transaction_is_an_index_scan()
    {
        await using (var session = Node.Session())
        {
            for (var at = 0; at < 4_000; at++)
                session.Events.Append($"s{at}", new JournalOpened("x"));
            await session.SaveChangesAsync();
        }

        await Node.Execute("analyze journal.mt_events");
        var middle = (await Node.Feed.ReadAfter(FeedPosition.Start, 2_000))[^1].Position;
        await using var connection = await Node.Database.Pooled.OpenConnectionAsync();
        await using var command = EventFeed.Command(connection, middle, 100, ["bank", "journal"], "epoch, xact, seq_id");
        command.CommandText = "explain (analyze, format text) " + command.CommandText;
        var plan = new List<string>();
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
            plan.Add(rows.GetString(0));
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan on mt_events", StringComparison.Ordinal));
        // Nothing before the middle is read and thrown away.
        Assert.DoesNotContain(plan, line => line.Contains("Rows Removed by Filter", StringComparison.Ordinal));
    }

    private static async Task Run(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Until that many sessions wait for an advisory lock.</summary>
    private async Task Waiting(long sessions)
    {
        while (await Node.Value<long>("select count(*) from pg_locks where locktype = 'advisory' and not granted") < sessions)
            await Task.Delay(10);
    }

    /// <summary>Follows the feed as a subscription does.</summary>
    private sealed class Reader(Node node, int limit = 100, params string[] modules)
    {
        private FeedPosition _position = FeedPosition.Start;

        public async Task<List<string>> Next()
        {
            var page = await node.Feed.ReadAfter(_position, limit, modules);
            if (page.Count > 0)
                _position = page[^1].Position;
            return [.. page.Select(e => e.StreamKey)];
        }
    }
}
