namespace Modular.Store.Tests;

/// <summary>A node that nothing happens on leaves its database alone, and is there again for whatever happens next.</summary>
[Collection(nameof(OwnServer))]
public sealed class RestTests(OwnServer server) : IAsyncLifetime
{
    private string _database = "";
    private Node? _one;
    private Node? _two;

    private Node One => _one!;

    private Node Two => _two!;

    public async Task InitializeAsync()
    {
        _database = await server.NewDatabase();
        _one = await Node.Start(_database);
        _two = await Node.Start(_database);
        foreach (var node in (Node[])[One, Two])
        {
            node.Get<FeedSignal>().Net = TimeSpan.FromMilliseconds(500);
            node.Get<FeedSignal>().RestsAfter = TimeSpan.FromSeconds(1);
        }
    }

    public async Task DisposeAsync()
    {
        await One.DisposeAsync();
        await Two.DisposeAsync();
    }

    [Fact]
    public async Task At_rest_nobody_holds_a_turn_and_a_commit_wakes_whoever_hears_of_it()
    {
        await One.StartDaemon("one");
        await Two.StartDaemon("two");
        await One.Append("a", new JournalOpened("x"));
        await Applied(1);
        await AtRest();

        // By hint from another node, by one's own commit, and by a process that has no background half.
        await Two.Append("a", new LineWritten("y", 1));
        await Applied(2);
        await AtRest();
        await One.Append("a", new LineWritten("z", 1));
        await Applied(3);
        await AtRest();
        await using var command = Node.Create(_database);
        await command.Append("a", new LineWritten("w", 1));
        await command.Get<FeedSignal>().TellWhatIsLeft(command.Database, default);
        await Applied(4);
    }

    [Fact]
    public async Task Cut_off_at_rest_nobody_comes_back_before_there_is_something_to_do()
    {
        await One.StartDaemon("one");
        await One.Append("a", new JournalOpened("x"));
        await Applied(1);
        await AtRest();
        await Two.Execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");

        await Task.Delay(2_500);
        Assert.Equal(0L, await Others());

        await One.Append("a", new LineWritten("y", 1));
        await Applied(2);
    }

    private Task<long> Others() => Two.Value<long>(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'");

    private Task Applied(long count) => Until(async () => await One.Value<long>("select count(*) from bank.ledger") == count, 10);

    private Task AtRest() => Until(
        async () => await One.Value<long>("select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())") == 0, 25);

    private static async Task Until(Func<Task<bool>> condition, int seconds)
    {
        for (var tries = 0; !await condition(); tries++)
        {
            Assert.True(tries < seconds * 20, "not in time");
            await Task.Delay(50);
        }
    }
}
