namespace Modular.Store.Tests;

/// <summary>Many new streams are committed by COPY: the same rows, the same refusals.</summary>
public sealed class BulkTests(Store store) : IClassFixture<Store>
{
    private const int Many = 150;

    private Node Node => store.Node;

    [Fact]
    public async Task Everything_is_as_if_it_had_been_written_row_by_row()
    {
        var keys = Keys();
        await Commit(session =>
        {
            foreach (var key in keys)
            {
                session.Events.StartStream<Account>(key, new AccountOpened(key, $"{key}@example.com"), new MoneyPaidIn(5, "192.0.2.1"), new MoneyPaidIn(7));
                session.Insert(new Note(Some.Key(), key, key));
            }

            // One that ends at once leaves its events and no row.
            session.Events.StartStream<Account>($"{keys[0]}-closed", new AccountOpened("nobody", null), new AccountClosed(Final: true));
        });

        Assert.Equal(
            [(long)Many, 12L * Many],
            Assert.Single(await Node.Rows("select count(*), sum(balance)::bigint from bank.mt_doc_account where id = any($1)", (object)keys)));
        Assert.Equal(Many, (long)(await Node.Rows("select count(*) from bank.mt_doc_note where author = any($1)", (object)keys))[0][0]!);
        Assert.Equal(1, (long)(await Node.Rows("select count(distinct xact) from bank.mt_events where stream_id like $1", $"{keys[0][..^3]}%"))[0][0]!);
        Assert.Equal(
            0, (long)(await Node.Rows("select count(*) from bank.mt_streams s where id = any($1) and not exists (select from bank.mt_events e where e.xact = s.last_xact and e.stream_id = s.id)", (object)keys))[0][0]!);
        await using var session = Node.Session();
        Assert.Equal($"{keys[3]}@example.com", (await session.Events.AggregateStreamAsync<Account>(keys[3]))!.Email);
        foreach (var name in Node.Rebuild.Names)
            Assert.Equal(0, (await Node.Rebuild.RebuildProjectionAsync(name, compare: true)).Different);
    }

    [Fact]
    public async Task One_key_that_is_taken_is_named_and_nothing_is_stored()
    {
        var keys = Keys();
        await Commit(session => session.Events.StartStream<Account>(keys[^1], new AccountOpened("ada", null)));
        var collision = await Assert.ThrowsAsync<ExistingStreamIdCollisionException>(() => Commit(session => Start(session, keys)));
        Assert.Equal(keys[^1], collision.Id);
        Assert.Equal(1, await Streams(keys));
    }

    [Fact]
    public async Task A_unique_index_refuses_by_its_name()
    {
        var keys = Keys();
        var refused = await Assert.ThrowsAsync<DocumentAlreadyExistsException>(() => Commit(session =>
        {
            Start(session, keys);
            session.Events.StartStream<Account>(Some.Key(), new AccountOpened("eve", $"{keys[7]}@example.com"));
        }));
        Assert.Equal("account_email", refused.ConstraintName);
        Assert.Equal(0, await Streams(keys));
    }

    [Fact]
    public async Task A_condition_that_does_not_hold_undoes_all_of_it()
    {
        var keys = Keys();
        await Assert.ThrowsAsync<ConcurrencyException>(() => Commit(session =>
        {
            Start(session, keys);
            session.QueueSqlCommand(1, "update bank.mt_doc_note set id = id where id = ?", "nobody");
        }));
        Assert.Equal(0, await Streams(keys));

        // And what holds because of the new rows holds.
        await Commit(session =>
        {
            Start(session, keys);
            session.QueueSqlCommand(Many, "update bank.mt_doc_account set id = id where id = any(?)", (object)keys);
        });
        Assert.Equal(Many, await Streams(keys));
    }

    private static string[] Keys()
    {
        var some = Some.Key();
        return [.. Enumerable.Range(0, Many).Select(n => $"{some}-{n:000}")];
    }

    private static void Start(IDocumentSession session, string[] keys)
    {
        foreach (var key in keys)
            session.Events.StartStream<Account>(key, new AccountOpened(key, $"{key}@example.com"));
    }

    private async Task<long> Streams(string[] keys) =>
        (long)(await Node.Rows("select count(*) from bank.mt_streams where id = any($1)", (object)keys))[0][0]!;

    private async Task Commit(Action<IDocumentSession> stage)
    {
        await using var session = Node.Session("ada");
        stage(session);
        await session.SaveChangesAsync();
    }
}
