using Modular.Testing;

namespace Modular.Messaging.Tests;

public sealed class SeveralNodesTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Five_hundred_messages_on_two_nodes_take_effect_once_each()
    {
        await using var ada = await Node.Start(_database, "ada");
        await using var bob = await Node.Start(_database, "bob");
        await ada.Unit(async (_, bus) =>
        {
            for (var number = 0; number < 300; number++)
                await bus.PublishAsync(new TakeNote.Noted("a", $"{number}"));
        });
        await Parallel.ForAsync(300, 500, async (number, _) =>
            await (number % 2 == 0 ? ada : bob).Publish(new TakeNote.Noted("a", $"{number}")));
        await ada.Settled();

        Assert.Equal(Enumerable.Range(0, 500), (await ada.Texts("a")).Select(int.Parse).Order());
        Assert.Equal(["ada", "bob"], await ada.Strings("select distinct writer from notes.notes order by 1"));
    }

    [Fact]
    public async Task A_node_without_workers_leaves_its_messages_to_the_others()
    {
        await using var cli = await Node.Create(_database);
        await cli.Publish(new TakeNote.Noted("a", "one"));
        Assert.Equal(1, await cli.Waiting());
        await using var ada = await Node.Start(_database, "ada");
        await ada.Settled();

        Assert.Equal(["one"], await ada.Texts("a"));
    }

    [Fact]
    public async Task Another_node_hears_at_once_of_what_it_may_take()
    {
        // The publisher takes nothing itself: its only place is occupied.
        await using var ada = await Node.Start(_database, "ada", settings => (settings.ClaimBatch, settings.ParallelMessagesPerQueue) = (1, 1));
        var released = new TaskCompletionSource();
        ada.Script.OnNote = (_, _) => released.Task;
        await ada.Publish(new TakeNote.Noted("a", "long"));
        await Eventually.True(() => ada.Script.Begun.Count == 1, "it runs");
        await using var bob = await Node.Start(_database, "bob");
        await bob.Publish(new HearNews.News("so that bob is busy listening"));
        await Task.Delay(1000);

        await ada.Publish(new TakeNote.Noted("a", "short"));
        await Eventually.True(async () => (await bob.Texts("a")).Count == 1, "bob handles it");
        released.SetResult();
        await ada.Settled();
        Assert.Equal(["short", "long"], await ada.Texts("a"));
    }

    [Fact]
    public async Task What_a_dead_node_had_claimed_is_taken_over()
    {
        await using var ada = await Node.Create(_database);
        await ada.Publish(new TakeNote.Noted("a", "one"));
        await ada.Execute("update messaging.incoming_envelopes set owner = gen_random_uuid(), owner_until = now() + interval '1 hour', attempts = 1");
        await using var bob = await Node.Start(_database, "bob");
        await ada.Publish(new TakeNote.Noted("b", "two"));
        await Eventually.True(async () => (await bob.Texts("b")).Count == 1, "bob is at work");
        Assert.Empty(await bob.Texts("a"));

        await ada.Execute("update messaging.incoming_envelopes set owner_until = now()");
        await Eventually.True(async () => (await bob.Texts("a")).Count == 1, "the lease is over");
        Assert.Equal(0, await bob.Waiting());
    }

    [Fact]
    public async Task A_handler_whose_message_another_node_took_leaves_nothing()
    {
        // So long a lease is not extended while the test runs, and ada has no room to claim it a second time herself.
        await using var ada = await Node.Start(_database, "ada", settings => (settings.Lease, settings.ClaimBatch) = (TimeSpan.FromHours(1), 1));
        var released = new TaskCompletionSource();
        ada.Script.OnNote = (_, _) => released.Task;
        await ada.Publish(new TakeNote.Noted("a", "one"));
        await Eventually.True(() => ada.Script.Begun.Count == 1, "ada is at it");
        await ada.Execute("update messaging.incoming_envelopes set owner_until = now() - interval '1 second'");
        await using var bob = await Node.Start(_database, "bob");
        await Eventually.True(async () => (await bob.Texts("a")).Count == 1, "bob has done it");

        released.SetResult();
        await ada.Stop();
        Assert.Equal(["bob"], await bob.Strings("select writer from notes.notes"));
        Assert.Equal(0, await bob.Waiting());
        Assert.Empty(await bob.DeadLetters.List());
    }

    [Fact]
    public async Task A_handler_that_takes_longer_than_the_lease_keeps_its_message()
    {
        await using var ada = await Node.Start(_database, "ada", settings => settings.Lease = TimeSpan.FromSeconds(2));
        await using var bob = await Node.Start(_database, "bob");
        var released = new TaskCompletionSource();
        ada.Script.OnNote = (_, _) => released.Task;
        await ada.Publish(new TakeNote.Noted("a", "one"));
        await Eventually.True(() => ada.Script.Begun.Count == 1, "ada is at it");
        await Task.Delay(5000);
        released.SetResult();
        await ada.Settled();

        Assert.Empty(bob.Script.Begun);
        Assert.Equal(["ada"], await ada.Strings("select writer from notes.notes"));
    }

    [Fact]
    public async Task A_node_that_sees_its_claim_lost_cancels_the_handler()
    {
        await using var ada = await Node.Start(_database, "ada", settings => settings.Lease = TimeSpan.FromSeconds(1));
        var cancelled = new TaskCompletionSource();
        ada.Script.OnNote = async (_, ct) =>
        {
            await Task.Delay(Timeout.Infinite, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancelled.TrySetResult();
            ct.ThrowIfCancellationRequested();
        };
        await ada.Publish(new TakeNote.Noted("a", "one"));
        await Eventually.True(() => ada.Script.Begun.Count == 1, "ada is at it");
        await ada.Execute("update messaging.incoming_envelopes set owner = gen_random_uuid(), owner_until = now() + interval '1 hour'");
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await ada.Stop();
        Assert.Empty(await ada.Texts("a"));
        Assert.Equal(1, await ada.Waiting());
    }
}
