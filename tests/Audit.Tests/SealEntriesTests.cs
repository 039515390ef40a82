using Modular.Store;
using Npgsql;

namespace Modular.Audit.Tests;

public sealed class SealEntriesTests(AuditApp app) : IClassFixture<AuditApp>
{
    [Fact]
    public async Task Events_of_one_unit_of_work_follow_each_other_in_the_order_of_their_modules()
    {
        await app.Append(
            ("n-order", new NoteWritten("n-order", "first by time")),
            ("g-order", new GadgetMade("g-order", "ada", "One")),
            ("n-order", new NoteWritten("n-order", "third")),
            ("g-order", new GadgetRefused("g-order", "ada", "no_more")));
        await app.Settled();

        var found = await app.Sql("select module, type, words from audit.search where stream in ('n-order', 'g-order') order by position");
        Assert.Equal(["alpha gadget.made.1", "alpha gadget.refused.1", "zulu note.written.1", "zulu note.written.1"], found.Select(row => $"{row[0]} {row[1]}"));
    }

    [Fact]
    public async Task An_entry_is_a_copy_of_the_event_with_its_leaf_hash()
    {
        await app.Append(new EventMetadata { Actor = "ada", IpAddress = "192.0.2.7", UserAgent = "Browser/1" }, ("g-copy", new GadgetMade("g-copy", "ada", "Copied")));
        await app.Settled();

        var row = Assert.Single(await app.Sql("""
            select e.canonical = v.canonical, e.leaf = sha256('\x00'::bytea || v.canonical), e.event_id = v.id,
                (e.epoch, e.xact, e.sequence) = (v.epoch, v.xact, v.seq_id), position(convert_to('Copied', 'UTF8') in e.canonical)
            from alpha.mt_events v join audit.entries e on e.module = 'alpha' and e.sequence = v.seq_id where v.stream_id = 'g-copy'
            """));
        Assert.Equal([true, true, true, true, 0], row);
    }

    [Fact]
    public async Task Positions_stay_dense_while_writers_commit_out_of_order_and_roll_back()
    {
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            for (var turn = 0; turn < 25; turn++)
            {
                if (random.Next(4) == 0)
                    await Assert.ThrowsAnyAsync<Exception>(() => app.Append(($"g{writer}-{turn}", new GadgetMade(new string('x', 70_000), "ada", "too large"))));
                await app.Append(($"g{writer}-{turn}", new GadgetMade("g", $"owner-{writer}", "G")), ($"n{writer}-{turn}", new NoteWritten("n", "N")));
                await Task.Delay(random.Next(5));
            }
        }));
        await Task.WhenAll(writers);
        await app.Settled();

        Assert.Equal(0, await app.Count("select count(*) from (select position, row_number() over (order by position) - 1 as due from audit.entries) p where position <> due"));
        Assert.Equal(
            await app.Count("select (select count(*) from alpha.mt_events) + (select count(*) from zulu.mt_events)"),
            await app.Count("select count(distinct (module, sequence)) from audit.entries where module in ('alpha', 'zulu')"));
        Assert.Equal(0, await app.Count("select count(*) from audit.entries a join audit.entries b on b.position = a.position + 1 where (b.epoch, b.xact, b.module, b.sequence) <= (a.epoch, a.xact, a.module, a.sequence)"));
        Assert.Null((await app.Send(new Contracts.VerifyLog())).Problem);
    }

    [Theory]
    [InlineData("update audit.entries set leaf = leaf")]
    [InlineData("update audit.entries set leaf = leaf where false")]
    [InlineData("delete from audit.entries where position = 0")]
    [InlineData("delete from audit.entries_00000")]
    [InlineData("update audit.entries_00000 set module = module")]
    [InlineData("truncate audit.entries")]
    [InlineData("truncate audit.entries_00000")]
    [InlineData("truncate audit.entries_00001")]
    [InlineData("set session_replication_role = replica; delete from audit.entries where position = 0")]
    [InlineData("insert into audit.entries select * from audit.entries on conflict (position) do update set leaf = excluded.leaf")]
    public async Task The_database_refuses_to_change_the_log_to_its_owner_too(string sql)
    {
        await app.Append(("n-kept", new NoteWritten("n", "kept")));
        await app.Settled();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => app.Sql(sql));
        Assert.Equal(PostgresErrorCodes.RestrictViolation, refused.SqlState);
    }

    [Fact]
    public async Task Partitions_are_made_ahead_and_refuse_as_the_first_does()
    {
        await app.Sql("select audit.make_partition(7); select audit.make_partition(7)");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => app.Sql("truncate audit.entries_00007"));
        Assert.Equal(PostgresErrorCodes.RestrictViolation, refused.SqlState);
        Assert.Equal(1, await app.Count($"select count(*) from pg_class where oid = 'audit.entries_00007'::regclass and pg_get_expr(relpartbound, oid) = 'FOR VALUES FROM (''{7L << 20}'') TO (''{8L << 20}'')'"));
    }

    [Fact]
    public async Task Values_that_no_column_can_hold_do_not_stop_the_log()
    {
        await app.Append(
            new EventMetadata { Actor = new string('a', 3000), IpAddress = "not an address", UserAgent = "bad\0agent" },
            ("g-odd", new GadgetMade("g-odd", "ada", "nul \0 and half \ud83d of a pair")));
        await app.Settled();
        var row = Assert.Single(await app.Sql("select length(actor), ip, user_agent from audit.search where stream = 'g-odd'"));
        Assert.Equal([256, null, "bad agent"], row);
    }
}

public sealed class SealEntriesOnTwoNodes
{
    [Fact]
    public async Task A_node_that_takes_over_goes_on_where_the_other_stopped()
    {
        var first = new AuditApp();
        await first.InitializeAsync();
        var second = await first.Another();
        try
        {
            var writing = second.AppendMany(2_000, perUnit: 10);
            // Whoever works loses its lock again and again, in the middle of pages.
            for (var turn = 0; turn < 10; turn++)
            {
                await first.Sql("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid() and database = (select oid from pg_database where datname = current_database())");
                await Task.Delay(100);
            }

            await writing;
            await second.Settled();
            Assert.Equal([2_000L, 1_999L], (await first.Sql("select count(*), max(position) from audit.entries"))[0]);
            Assert.Equal((2_000, null), (await second.Send(new Contracts.VerifyLog())) is var log ? (log.Entries, log.Problem) : default);
        }
        finally
        {
            await second.DisposeAsync();
            await first.DisposeAsync();
        }
    }
}
