using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Modular.Store.Tests;

public sealed class RebuildTests(OwnServer server) : IClassFixture<OwnServer>, IAsyncLifetime
{
    private const string Snapshots = "bank.mt_doc_account";

    private string _database = "";
    private Node? _node;

    private Node Node => _node!;

    public async Task InitializeAsync()
    {
        _database = await server.NewDatabase();
        _node = await Node.Start(_database);
    }

    public async Task DisposeAsync() => await Node.DisposeAsync();

    [Fact]
    public void Every_read_model_can_be_rebuilt_by_the_name_of_its_table() =>
        Assert.Equal([Snapshots, "bank.payments", "bank.standings", "published.accounts_sync"], Node.Rebuild.Names);

    [Theory]
    [InlineData(Snapshots)]
    [InlineData("bank.payments")]
    [InlineData("bank.standings")]
    [InlineData("published.accounts_sync")]
    public async Task A_rebuilt_read_model_equals_the_live_one_byte_for_byte(string name)
    {
        await Fill(60);
        var before = await Dump(name);
        var result = await Node.Rebuild.RebuildProjectionAsync(name, compare: true);
        Assert.Equal((name, 0L, (long)before.Count), (result.Name, result.Different, result.Rows));
        Assert.Equal(before, await Dump(name));
        Assert.Empty(await Node.Get<SchemaValidator>().Validate());
        Assert.Equal(0L, await Node.Value<long>("select count(*) from pg_class where relname like '%\\_rebuild%' or relname like '%\\_replaced'"));
    }

    [Theory]
    [InlineData(Snapshots)]
    [InlineData("bank.payments")]
    [InlineData("bank.standings")]
    [InlineData("published.accounts_sync")]
    public async Task Writers_go_on_while_a_read_model_is_rebuilt_and_no_write_is_lost(string name)
    {
        await Fill(40);
        using var stop = new CancellationTokenSource();
        var written = 0;
        var writers = Enumerable.Range(0, 4).Select(async writer =>
        {
            for (var at = 0; !stop.IsCancellationRequested; at++)
            {
                await Node.Append($"acc{(at * 7 + writer) % 50}", new AccountOpened("late", null), new MoneyPaidIn(at, "10.0.0.1"));
                if (at % 9 == 0)
                    await Node.Append($"acc{at % 50}", new AccountClosed(true));
                Interlocked.Increment(ref written);
            }
        }).ToList();
        for (var round = 0; round < 4; round++)
            Assert.Equal(0, (await Node.Rebuild.RebuildProjectionAsync(name, compare: true)).Different);
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Assert.True(written > 10);
        // And once more in peace: what was written during the switches is there.
        Assert.Equal(0, (await Node.Rebuild.RebuildProjectionAsync(name, compare: true)).Different);
    }

    [Theory]
    [InlineData(Snapshots, "update bank.mt_doc_account set balance = 7 where id = 'acc3'; delete from bank.mt_doc_account where id = 'acc4'", 2)]
    [InlineData("bank.payments", "update bank.payments set paid_by = 'nobody' where account_id = 'acc3'", 1)]
    [InlineData("bank.standings", "insert into bank.standings (account_id) values ('never')", 1)]
    [InlineData("published.accounts_sync", "insert into published.accounts_sync values ('never', 'x', null, 0, now()); update published.accounts_sync set owner = 'eve' where id = 'acc3'", 2)]
    public async Task A_row_that_is_wrong_is_counted_and_put_right(string name, string damage, long different)
    {
        await Fill(10);
        var before = await Dump(name);
        await Node.Execute(damage);
        Assert.NotEqual(before, await Dump(name));
        Assert.Equal(different, (await Node.Rebuild.RebuildProjectionAsync(name, compare: true)).Different);
        Assert.Equal(before, await Dump(name));
    }

    [Fact]
    public async Task Rows_that_reference_a_published_table_stay()
    {
        await Fill(5);
        await Node.Execute("insert into bank.cards values ('4711', 'acc1')");
        await Node.Rebuild.RebuildProjectionAsync("published.accounts_sync");
        Assert.Equal("acc1", await Node.Value<string>("select account_id from bank.cards"));
        await Node.Append("acc1", new AccountClosed(true));
        Assert.Empty(await Node.Rows("select 1 from bank.cards"));
    }

    [Fact]
    public async Task Index_names_grants_and_options_are_kept()
    {
        await Fill(5);
        await Node.Execute("create role auditor_of_tests; grant select on bank.mt_doc_account to auditor_of_tests");
        await Node.Append("one", new AccountOpened("ada", "taken@x"));
        var indexes = await Node.Rows("select indexname, replace(indexdef, ' ', '') from pg_indexes where tablename = 'mt_doc_account' order by 1");
        await Node.Rebuild.RebuildProjectionAsync(Snapshots);
        Assert.Equal(indexes, await Node.Rows("select indexname, replace(indexdef, ' ', '') from pg_indexes where tablename = 'mt_doc_account' order by 1"));
        var refused = await Assert.ThrowsAsync<DocumentAlreadyExistsException>(() => Node.Append("two", new AccountOpened("eve", "taken@x")));
        Assert.Equal(("account_email", "mt_doc_account"), (refused.ConstraintName, refused.TableName));
        Assert.True(await Node.Value<bool>("select has_table_privilege('auditor_of_tests', 'bank.mt_doc_account', 'select')"));
        Assert.Equal("fillfactor=80", await Node.Value<string>("select reloptions[1] from pg_class where oid = 'bank.mt_doc_account'::regclass"));
        await Node.Execute("drop owned by auditor_of_tests; drop role auditor_of_tests");
    }

    [Fact]
    public async Task A_view_shows_the_rebuilt_table()
    {
        await Node.Append("rich", new AccountOpened("ada", null), new MoneyPaidIn(500));
        await Node.Execute("alter view bank.rich set (security_barrier = true)");
        await Node.Rebuild.RebuildProjectionAsync(Snapshots);
        await Node.Append("rich", new MoneyPaidIn(1));
        Assert.Equal(501L, await Node.Value<long>("select balance from bank.rich"));
        Assert.Equal("security_barrier=true", await Node.Value<string>("select reloptions[1] from pg_class where oid = 'bank.rich'::regclass"));
    }

    [Fact]
    public async Task A_table_that_more_than_a_view_holds_on_to_stays_the_same_table()
    {
        await Fill(5);
        await Node.Execute("create materialized view bank.total as select sum(balance) from bank.mt_doc_account");
        var oid = await Node.Value<uint>("select 'bank.mt_doc_account'::regclass::oid");
        await Node.Execute("update bank.mt_doc_account set balance = -1 where id = 'acc1'");
        Assert.Equal(1, (await Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true)).Different);
        Assert.Equal(oid, await Node.Value<uint>("select 'bank.mt_doc_account'::regclass::oid"));
        Assert.Equal(0, (await Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true)).Different);
    }

    [Fact]
    public async Task Statements_that_others_have_prepared_work_after_the_switch()
    {
        await Fill(5);
        await using var connection = await Node.Database.Direct.OpenConnectionAsync();
        await using var load = new NpgsqlCommand("select balance from bank.mt_doc_account where id = 'acc1'", connection);
        await using var write = new NpgsqlCommand("update bank.mt_doc_account set balance = balance + 1 where id = 'acc1'", connection);
        await load.PrepareAsync();
        await write.PrepareAsync();
        await write.ExecuteNonQueryAsync();
        var before = (long)(await load.ExecuteScalarAsync())!;
        await Node.Rebuild.RebuildProjectionAsync(Snapshots);
        Assert.Equal(before - 1, await load.ExecuteScalarAsync());
        Assert.Equal(1, await write.ExecuteNonQueryAsync());
        Assert.Equal(before, await Node.Value<long>("select balance from bank.mt_doc_account where id = 'acc1'"));
    }

    [Fact]
    public async Task A_writer_that_is_held_up_by_the_switch_writes_the_new_table()
    {
        await Fill(20);
        // A reader in a transaction: the switch has to wait for it, and whoever wants to write waits behind the switch.
        await using var reader = await Node.Database.Direct.OpenConnectionAsync();
        await using var reading = await reader.BeginTransactionAsync();
        await using (var read = new NpgsqlCommand("select count(*) from bank.mt_doc_account", reader))
            await read.ExecuteNonQueryAsync();
        var rebuild = Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true);
        while (await Node.Value<long>("select count(*) from pg_locks where relation = 'bank.mt_doc_account'::regclass and not granted") == 0)
            await Task.Delay(1);
        var writes = Enumerable.Range(0, 8).Select(at => Node.Append($"acc{at}", new AccountOpened("late", null), new MoneyPaidIn(1_000))).ToList();
        await Task.Delay(100);
        await reading.CommitAsync();
        await Task.WhenAll(writes);
        Assert.Equal(0, (await rebuild).Different);
        Assert.Equal(8L, await Node.Value<long>("select count(*) from bank.mt_doc_account where balance >= 1000"));
        Assert.Equal(0, (await Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true)).Different);
    }

    [Theory]
    [InlineData(Snapshots)]
    [InlineData("bank.payments")]
    [InlineData("published.accounts_sync")]
    public async Task What_is_committed_while_the_feed_is_held_back_is_rebuilt_too(string name)
    {
        await Fill(5);
        await using var open = await RawWriter.Begin(Node);
        await open.TakeId();
        await Fill(10);
        var before = await Dump(name);
        Assert.Equal(0, (await Node.Rebuild.RebuildProjectionAsync(name, compare: true)).Different);
        Assert.Equal(before, await Dump(name));
    }

    [Fact]
    public async Task A_rebuild_that_is_stopped_leaves_the_live_table_as_it_was()
    {
        await Fill(30);
        await Node.Execute("update bank.mt_doc_account set balance = -1 where id = 'acc1'");
        var before = await Dump(Snapshots);
        using var stop = new CancellationTokenSource();
        // The lock that the switch needs is held, so it is stopped at its last step.
        await using var holder = await Node.Database.Direct.OpenConnectionAsync();
        await using var holding = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("lock table bank.mt_doc_account in row exclusive mode", holder))
            await hold.ExecuteNonQueryAsync();
        var rebuild = Node.Rebuild.RebuildProjectionAsync(Snapshots, token: stop.Token);
        while (await Node.Value<long>("select count(*) from pg_locks where relation = 'bank.mt_doc_account'::regclass and not granted") == 0)
            await Task.Delay(1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rebuild);
        await holding.RollbackAsync();
        Assert.Equal(before, await Dump(Snapshots));
        Assert.Equal(0L, await Node.Value<long>("select count(*) from pg_class where relname like '%\\_rebuild%'"));
        Assert.Equal(1, (await Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true)).Different);
    }

    [Fact]
    public async Task A_rebuild_whose_process_died_is_done_again_from_the_start()
    {
        await Fill(10);
        await using var holder = await Node.Database.Direct.OpenConnectionAsync();
        await using var holding = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("lock table bank.mt_doc_account in row exclusive mode", holder))
            await hold.ExecuteNonQueryAsync();
        var rebuild = Node.Rebuild.RebuildProjectionAsync(Snapshots);
        while (await Node.Value<long>("select count(*) from pg_locks where relation = 'bank.mt_doc_account'::regclass and not granted") == 0)
            await Task.Delay(1);
        await Node.Execute("select pg_terminate_backend(pid, 5000) from pg_locks where relation = 'bank.mt_doc_account'::regclass and not granted");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => rebuild);
        await holding.RollbackAsync();
        Assert.Equal(0, (await Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true)).Different);
    }

    [Fact]
    public async Task Of_two_rebuilds_of_one_table_the_second_is_refused()
    {
        await Fill(10);
        await using var holder = await Node.Database.Direct.OpenConnectionAsync();
        await using var holding = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("lock table bank.mt_doc_account in row exclusive mode", holder))
            await hold.ExecuteNonQueryAsync();
        var first = Node.Rebuild.RebuildProjectionAsync(Snapshots);
        while (await Node.Value<long>("select count(*) from pg_locks where relation = 'bank.mt_doc_account'::regclass and not granted") == 0)
            await Task.Delay(1);
        await using var other = Node.Create(_database);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => other.Rebuild.RebuildProjectionAsync(Snapshots));
        Assert.Equal($"Another rebuild of {Snapshots} is running.", refused.Message);
        Assert.Equal(10, (await other.Rebuild.RebuildProjectionAsync("bank.standings")).Rows);
        await holding.RollbackAsync();
        await first;
        await other.Rebuild.RebuildProjectionAsync(Snapshots);
    }

    [Fact]
    public async Task A_name_that_is_none_is_told_the_names()
    {
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => Node.Rebuild.RebuildProjectionAsync("bank.nothing"));
        Assert.Contains(Snapshots, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_is_told()
    {
        await Fill(20);
        var told = new List<RebuildProgress>();
        await Node.Rebuild.RebuildProjectionAsync(Snapshots, progress: new Collect(told));
        var last = told[^1];
        Assert.Equal((last.Total, TimeSpan.Zero), (last.Done, last.Left));
    }

    [Fact]
    public async Task A_person_who_was_erased_is_erased_from_what_is_rebuilt()
    {
        await Node.Append("a", new AccountOpened("ada", "ada@x"));
        await using var session = Node.Session();
        SubjectKeys.Shred(session, "ada");
        await session.SaveChangesAsync();
        Assert.Equal(1, (await Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true)).Different);
        Assert.Equal(new Account("a", "ada", null, 0, null, 1), await Node.Session().LoadAsync<Account>("a"));
    }

    [Fact]
    public async Task A_snapshot_that_is_younger_than_its_streams_is_made_by_a_rebuild()
    {
        await Fill(5);
        var before = await Dump(Snapshots);
        await Node.Execute("truncate bank.mt_doc_account");
        var result = await Node.Rebuild.RebuildProjectionAsync(Snapshots, compare: true);
        Assert.Equal((before.Count, (long)before.Count), (result.Different, result.Rows));
        Assert.Equal(before, await Dump(Snapshots));
    }

    // Accounts of every kind: paid, refused, closed, begun again, with other events behind the last change.
    private async Task Fill(int accounts)
    {
        for (var at = 0; at < accounts; at++)
        {
            var key = $"acc{at}";
            await using var session = Node.Session(at % 2 == 0 ? "teller" : null);
            session.Events.Append(key, new AccountOpened($"owner{at}", $"{key}@x"), new MoneyPaidIn(at + 1, at % 3 == 0 ? "10.0.0.7" : null));
            if (at % 4 == 0)
                session.Events.Append(key, new PaymentRefused("no_money"));
            await session.SaveChangesAsync();
            if (at % 5 == 2)
                await Node.Append(key, new EmailChanged($"owner{at}", at % 2 == 0 ? null : $"{key}@new"), new PaymentRefused("late"));
            if (at % 7 == 5)
                await Node.Append(key, new AccountClosed(true));
            if (at % 14 == 5)
                await Node.Append(key, new AccountOpened("again", null), new MoneyPaidIn(3, "2001:db8::1"));
        }
    }

    private async Task<List<string>> Dump(string table) =>
        [.. (await Node.Rows($"select t::text from {table} t order by 1")).Select(row => (string)row[0]!)];

    private sealed class Collect(List<RebuildProgress> into) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => into.Add(value);
    }
}
