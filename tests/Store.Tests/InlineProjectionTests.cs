namespace Modular.Store.Tests;

public sealed class InlineProjectionTests(Store store) : IClassFixture<Store>
{
    private Node Node => store.Node;

    [Fact]
    public async Task Whoever_wrote_can_read()
    {
        var key = Some.Key();
        await using var session = Node.Session("teller");
        session.Events.StartStream<Account>(key, new AccountOpened("ada", $"{key}@x"), new MoneyPaidIn(150, "10.1.2.3"));
        await session.SaveChangesAsync();
        Assert.Equal(new Account(key, "ada", $"{key}@x", 150, "teller", 2), await session.LoadAsync<Account>(key));
        Assert.Equal([$"{key}@x", 150L, 2L], Assert.Single(await Node.Rows("select email, balance, mt_version from bank.mt_doc_account where id = $1", key)));
        Assert.Equal(["ada", 150L], Assert.Single(await Node.Rows("select owner, balance from published.accounts_sync where id = $1", key)));
        Assert.Equal(["ada", 150L, "good"], Assert.Single(await Node.Rows("select owner, last_amount, state from bank.standings where account_id = $1", key)));
        Assert.Equal([150L, "10.1.2.3", "teller"], Assert.Single(await Node.Rows("select amount, host(origin), paid_by from bank.payments where account_id = $1", key)));
        Assert.Equal([150L], Assert.Single(await Node.Rows("select balance from bank.rich where id = $1", key)));
    }

    [Fact]
    public async Task A_refused_snapshot_takes_its_events_with_it()
    {
        var (first, second, mail) = (Some.Key(), Some.Key(), Some.Key("mail"));
        await Node.Append(first, new AccountOpened("ada", mail));
        var refused = await Assert.ThrowsAsync<DocumentAlreadyExistsException>(() => Node.Append(second, new AccountOpened("eve", mail)));
        Assert.Equal("account_email", refused.ConstraintName);
        Assert.Equal(0L, await Node.Value<long>("select count(*) from bank.mt_events where stream_id = $1", second));
        Assert.Equal(0L, await Node.Value<long>("select count(*) from bank.mt_streams where id = $1", second));
    }

    [Fact]
    public async Task What_ends_takes_its_rows_with_it_and_may_begin_again()
    {
        var key = Some.Key();
        await Node.Append(key, new AccountOpened("ada", null), new MoneyPaidIn(1));
        await Node.Append(key, new AccountClosed(true));
        await using var session = Node.Session();
        Assert.Null(await session.LoadAsync<Account>(key));
        Assert.Empty(await Node.Rows("select 1 from published.accounts_sync where id = $1", key));
        Assert.Empty(await Node.Rows("select 1 from bank.standings where account_id = $1", key));
        Assert.Single(await Node.Rows("select 1 from bank.payments where account_id = $1", key));

        var stream = await session.Events.FetchForWriting<Account>(key);
        Assert.Equal((null, 3L), (stream.Aggregate, stream.StartingVersion));
        stream.AppendOne(new AccountOpened("eve", null));
        await session.SaveChangesAsync();
        Assert.Equal(new Account(key, "eve", null, 0, null, 4), await session.LoadAsync<Account>(key));
    }

    [Fact]
    public async Task An_event_that_leaves_no_mark_on_a_row_leaves_none_on_its_version_either()
    {
        var key = Some.Key();
        await Node.Append(key, new AccountOpened("ada", null), new PaymentRefused("no_money"));
        Node.Clock.Advance(TimeSpan.FromMinutes(1));
        await Node.Append(key, new PaymentRefused("no_money"));
        Assert.Equal(1L, await Node.Value<long>("select mt_version from bank.mt_doc_account where id = $1", key));
        Assert.Equal("refused", await Node.Value<string>("select state from bank.standings where account_id = $1", key));
    }

    [Fact]
    public async Task A_stream_that_is_older_than_its_snapshot_is_folded_from_its_events()
    {
        var key = Some.Key();
        await Node.Append(key, new AccountOpened("ada", null), new MoneyPaidIn(5));
        await Node.Execute("delete from bank.mt_doc_account where id = $1", key);
        await Node.Append(key, new MoneyPaidIn(6));
        await using var session = Node.Session();
        Assert.Equal(new Account(key, "ada", null, 11, null, 3), await session.LoadAsync<Account>(key));
    }

    [Fact]
    public async Task Two_aggregates_of_one_stream_do_not_take_each_others_place()
    {
        var key = Some.Key();
        await Node.Append(key, new AccountOpened("ada", null), new MoneyPaidIn(5));
        await using var session = Node.Session();
        var stream = await session.Events.FetchForWriting<Turnover>(key);
        Assert.Equal(5, stream.Aggregate!.Total);
        stream.AppendOne(new MoneyPaidIn(6));
        await session.SaveChangesAsync();
        Assert.Equal(new Account(key, "ada", null, 11, null, 3), await session.LoadAsync<Account>(key));
        Assert.Equal(new Turnover(11), await session.Events.AggregateStreamAsync<Turnover>(key));
    }

    [Fact]
    public async Task A_projection_that_reads_what_is_not_known_yet_is_told_so()
    {
        await using var session = Node.Session();
        session.Events.Append(Some.Key(), new JournalOpened("Days"));
        session.Events.Append("x", new JournalOpened("Days"));
        var stream = await session.Events.FetchForWriting<Journal>("x");
        Assert.Equal(1, stream.Events[0].Version);
        Assert.Throws<InvalidOperationException>(() => stream.Events[0].Sequence);
    }

    private sealed record Turnover(long Total)
    {
        public static Turnover Create(AccountOpened _) => new(0);

        public Turnover Apply(MoneyPaidIn e) => new(Total + e.Amount);
    }
}
