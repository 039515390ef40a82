namespace Modular.Store.Tests;

public sealed class StreamTests(Store store) : IClassFixture<Store>
{
    private Node Node => store.Node;

    [Fact]
    public async Task A_stream_that_is_started_twice_is_started_once()
    {
        var key = Some.Key();
        await Save(session => session.Events.StartStream<Account>(key, new AccountOpened("ada", null)));
        var collision = await Assert.ThrowsAsync<ExistingStreamIdCollisionException>(
            () => Save(session => session.Events.StartStream<Account>(key, new AccountOpened("eve", null))));
        Assert.Equal(key, collision.Id);
        await using var session = Node.Session();
        Assert.Equal("ada", (await session.Events.AggregateStreamAsync<Account>(key))!.Owner);
    }

    [Fact]
    public async Task An_append_says_the_version_after_it_and_is_refused_at_any_other()
    {
        var key = Some.Key();
        await Save(session => session.Events.Append(key, 2, new JournalOpened("Days"), new LineWritten("one", 1)));
        await Save(session => session.Events.Append(key, 3, new LineWritten("two", 1)));
        foreach (var wrong in (long[])[1, 2, 3, 5, 9])
        {
            var refused = await Assert.ThrowsAnyAsync<ConcurrencyException>(
                () => Save(session => session.Events.Append(key, wrong, new LineWritten("lost", 1))));
            Assert.Contains(key, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["Days", "one", "two"], await Texts(key));
    }

    [Fact]
    public async Task A_version_that_cannot_be_is_refused_at_once()
    {
        await using var session = Node.Session();
        Assert.Throws<EventStreamUnexpectedMaxEventIdException>(
            () => session.Events.Append(Some.Key(), 1, new JournalOpened("Days"), new LineWritten("one", 1)));
        Assert.Throws<ArgumentException>(() => session.Events.Append(Some.Key(), 1));
        Assert.Throws<ArgumentException>(() => session.Events.StartStream<Account>(Some.Key()));
    }

    [Fact]
    public async Task Several_appends_to_one_stream_are_one()
    {
        var key = Some.Key();
        await Save(session =>
        {
            session.Events.Append(key, new JournalOpened("Days"));
            session.Events.Append(key, new LineWritten("one", 1), new LineWritten("two", 1));
            session.Events.Append(key, 4, new LineWritten("three", 1));
        });
        Assert.Equal(["Days", "one", "two", "three"], await Texts(key));
        Assert.Equal([1L, 2L, 3L, 4L], await Versions("journal", key));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sixteen_writers_append_at_once_and_nothing_is_lost(bool withSnapshot)
    {
        var key = Some.Key();
        if (withSnapshot)
            await Node.Append(key, new AccountOpened("ada", null));
        else
            await Node.Append(key, new JournalOpened("Days"));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async writer =>
        {
            for (var at = 0; at < 12; at++)
                await Node.Append(key, withSnapshot ? new MoneyPaidIn(1) : new LineWritten($"{writer}/{at}", 1), withSnapshot ? new MoneyPaidIn(2) : new LineWritten("-", 1));
        }));
        Assert.Equal(
            Enumerable.Range(1, 1 + (16 * 12 * 2)).Select(version => (long)version),
            await Versions(withSnapshot ? "bank" : "journal", key));
        if (!withSnapshot)
            return;
        Assert.Equal(16L * 12 * 3, await Node.Value<long>("select balance from bank.mt_doc_account where id = $1", key));
        Assert.Equal(16L * 12 * 3, await Node.Value<long>("select balance from published.accounts_sync where id = $1", key));
    }

    [Fact]
    public async Task Sixteen_writers_start_a_stream_by_appending_and_nothing_is_lost()
    {
        var (journal, account) = (Some.Key(), Some.Key());
        await Task.WhenAll(Enumerable.Range(0, 16).Select(at => Node.Append(journal, new LineWritten($"{at}", 1))));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(at => Node.Append(account, new AccountOpened($"{at}", null))));
        Assert.Equal(Enumerable.Range(1, 16).Select(version => (long)version), await Versions("journal", journal));
        Assert.Equal(Enumerable.Range(1, 16).Select(version => (long)version), await Versions("bank", account));
    }

    [Fact]
    public async Task Of_writers_who_expect_the_same_version_one_wins()
    {
        var key = Some.Key();
        await Node.Append(key, new AccountOpened("ada", null));
        var sessions = Enumerable.Range(0, 12).Select(_ => Node.Session()).ToList();
        foreach (var session in sessions)
            (await session.Events.FetchForWriting<Account>(key)).AppendOne(new MoneyPaidIn(1));
        var won = await Task.WhenAll(sessions.Select(session => Won(() => session.SaveChangesAsync())));
        Assert.Single(won, true);
        Assert.Equal([1L, 2L], await Versions("bank", key));
        Assert.Equal(1L, await Node.Value<long>("select balance from bank.mt_doc_account where id = $1", key));
    }

    [Fact]
    public async Task Of_writers_who_start_the_same_stream_one_wins()
    {
        var key = Some.Key();
        var won = await Task.WhenAll(Enumerable.Range(0, 12).Select(at => Won(
            () => Save(session => session.Events.StartStream<Account>(key, new AccountOpened($"{at}", null))))));
        Assert.Single(won, true);
        Assert.Equal([1L], await Versions("bank", key));
    }

    [Fact]
    public async Task Fetching_for_writing_gives_the_state_and_guards_its_version()
    {
        var key = Some.Key();
        await Node.Append(key, new AccountOpened("ada", "ada@x"), new MoneyPaidIn(7));
        await using var session = Node.Session();
        var stream = await session.Events.FetchForWriting<Account>(key);
        Assert.Equal(new Account(key, "ada", "ada@x", 7, null, 2), stream.Aggregate);
        Assert.Equal((2L, 2L), (stream.StartingVersion, stream.CurrentVersion));

        await Node.Append(key, new MoneyPaidIn(1));
        stream.AppendOne(new MoneyPaidIn(100));
        Assert.Equal(3L, stream.CurrentVersion);
        await Assert.ThrowsAsync<EventStreamUnexpectedMaxEventIdException>(() => session.SaveChangesAsync());
        Assert.Equal(8L, await Node.Value<long>("select balance from bank.mt_doc_account where id = $1", key));
    }

    [Fact]
    public async Task Fetching_in_vain_leaves_nothing_behind_and_starts_the_stream_when_something_is_appended()
    {
        var (empty, started, again) = (Some.Key(), Some.Key(), Some.Key());
        await using var session = Node.Session();
        Assert.Null((await session.Events.FetchForWriting<Account>(empty)).Aggregate);
        var stream = await session.Events.FetchForWriting<Account>(started);
        Assert.Equal((null, 0L), (stream.Aggregate, stream.StartingVersion));
        stream.AppendMany(new AccountOpened("ada", null), new MoneyPaidIn(2));
        await session.Events.FetchForWriting<Account>(again);
        session.Events.StartStream<Account>(again, new AccountOpened("eve", null));
        Assert.Equal(2, (await session.LoadAsync<Account>(started))!.Balance);
        await session.SaveChangesAsync();
        Assert.Null(await session.Events.FetchStreamStateAsync<Account>(empty));
        Assert.Equal(2L, (await session.Events.FetchStreamStateAsync<Account>(started))!.Version);
        Assert.Equal(("account", 1L), await session.Events.FetchStreamStateAsync<Account>(again) is { } state ? (state.AggregateType, state.Version) : default);
    }

    [Fact]
    public async Task What_was_appended_before_a_fetch_is_part_of_the_state()
    {
        var key = Some.Key();
        await Node.Append(key, new AccountOpened("ada", null));
        await using var session = Node.Session();
        session.Events.Append(key, new MoneyPaidIn(3));
        var stream = await session.Events.FetchForWriting<Account>(key);
        Assert.Equal(3, stream.Aggregate!.Balance);
        stream.AppendOne(new MoneyPaidIn(4));
        await session.SaveChangesAsync();
        Assert.Equal(7L, await Node.Value<long>("select balance from bank.mt_doc_account where id = $1", key));
    }

    [Fact]
    public async Task Several_streams_are_fetched_at_once_in_the_order_asked_for()
    {
        var keys = Enumerable.Range(0, 4).Select(_ => Some.Key()).ToList();
        foreach (var key in keys.Skip(1))
            await Node.Append(key, new AccountOpened(key, null));
        await Node.Append(keys[2], new AccountClosed(true));
        await using var session = Node.Session();
        var streams = await session.Events.FetchForWriting<Account>([keys[3], keys[0], keys[2], keys[1]]);
        Assert.Equal(
            [(keys[3], keys[3], 1L), (keys[0], null, 0L), (keys[2], null, 2L), (keys[1], keys[1], 1L)],
            streams.Select(stream => (stream.Key, stream.Aggregate?.Owner, stream.StartingVersion)));
    }

    [Fact]
    public async Task A_stream_is_folded_to_a_version_or_a_time()
    {
        var key = Some.Key();
        await Node.Append(key, new JournalOpened("Days"), new LineWritten("one", 1));
        var then = Node.Clock.GetUtcNow();
        Node.Clock.Advance(TimeSpan.FromHours(1));
        await Node.Append(key, new LineWritten("two", 1));
        await using var session = Node.Session();
        var events = session.Events;
        Assert.Equal(["one", "two"], (await events.AggregateStreamAsync<Journal>(key))!.Lines);
        Assert.Empty((await events.AggregateStreamAsync<Journal>(key, version: 1))!.Lines);
        Assert.Equal(["one"], (await events.AggregateStreamAsync<Journal>(key, timestamp: then))!.Lines);
        Assert.Null(await events.AggregateStreamAsync<Journal>(key, timestamp: then.AddDays(-1)));
        Assert.Null(await events.AggregateStreamAsync<Journal>("nothing"));
    }

    [Fact]
    public async Task Every_event_says_who_did_it_in_which_request()
    {
        var key = Some.Key();
        var metadata = new EventMetadata
        {
            Actor = "ada",
            SessionId = "s1",
            OrganizationId = "o1",
            IpAddress = "10.0.0.1",
            UserAgent = "curl",
            CorrelationId = "r1",
            CausationId = "m1",
        };
        await using (var session = Node.Store.LightweightSession(metadata))
        {
            session.Events.Append(key, new AccountOpened("grace", "g@x"));
            await session.SaveChangesAsync();
            // The scope goes on to its next request.
            metadata.Actor = "eve";
        }

        await using var read = Node.Session();
        var e = Assert.Single(await read.Events.FetchStreamAsync<Account>(key));
        Assert.Equal(
            ("ada", "s1", "o1", "10.0.0.1", "curl", "r1", "m1", "grace"),
            (e.Metadata.Actor, e.Metadata.SessionId, e.Metadata.OrganizationId, e.Metadata.IpAddress, e.Metadata.UserAgent,
                e.Metadata.CorrelationId, e.Metadata.CausationId, e.Subject));
        Assert.Equal(("ada", "r1", "m1", "bank", key, 1L), (e.UserName, e.CorrelationId, e.CausationId, e.Module, e.StreamKey, e.Version));
        Assert.True(e.Sequence > 0);
        Assert.Equal(0, e.Timestamp.Ticks % TimeSpan.TicksPerMicrosecond);
        Assert.Equal("account.opened.1", e.EventTypeName);
    }

    [Fact]
    public async Task Metadata_is_that_of_the_commit_also_in_what_is_folded_from_it()
    {
        var key = Some.Key();
        await using var session = Node.Session();
        session.Events.StartStream<Account>(key, new AccountOpened("grace", null), new MoneyPaidIn(5));
        session.Metadata.Actor = "ada";
        await session.SaveChangesAsync();
        Assert.Equal(new Account(key, "grace", null, 5, "ada", 2), await session.LoadAsync<Account>(key));
        Assert.Equal("ada", await Node.Value<string>("select paid_by from bank.payments where account_id = $1", key));
    }

    [Fact]
    public async Task An_event_of_another_module_does_not_get_into_a_stream()
    {
        await using var session = Node.Session();
        var stream = await session.Events.FetchForWriting<Account>(Some.Key());
        Assert.Throws<InvalidOperationException>(() => stream.AppendOne(new JournalOpened("Days")));
        Assert.Throws<InvalidOperationException>(() => session.Events.Append(Some.Key(), "no event"));
    }

    private async Task Save(Action<IDocumentSession> stage)
    {
        await using var session = Node.Session();
        stage(session);
        await session.SaveChangesAsync();
    }

    private static async Task<bool> Won(Func<Task> race)
    {
        try
        {
            await race();
            return true;
        }
        catch (ConcurrencyException)
        {
            return false;
        }
    }

    private async Task<List<string>> Texts(string key)
    {
        await using var session = Node.Session();
        return [.. (await session.Events.FetchStreamAsync<Journal>(key))
            .Select(e => e.Data is LineWritten line ? line.Text : ((JournalOpened)e.Data).Title)];
    }

    private async Task<List<long>> Versions(string schema, string key) =>
        [.. (await Node.Rows($"select version from {schema}.mt_events where stream_id = $1 order by xact, seq_id", key)).Select(row => (long)row[0]!)];
}
