using Modular.Testing;
using Npgsql;

namespace Modular.Messaging.Tests;

public sealed class GroupTests : IAsyncLifetime
{
    private static readonly DeliveryOptions OfAda = new() { GroupId = "ada" };

    private TestDatabase _database = null!;

    // A server of its own: these tests hold transactions open, and those of others would hold these back.
    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync(ownServer: true);

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Messages_of_a_group_are_handled_in_the_order_of_their_commits_on_two_nodes()
    {
        await using var ada = await Node.Start(_database, "ada");
        await using var bob = await Node.Start(_database, "bob");
        for (var number = 0; number < 60; number++)
        {
            var text = $"{number}";
            await (number % 2 == 0 ? ada : bob).Unit(async (_, bus) =>
            {
                await bus.PublishAsync(new TakeNote.Noted("a", text), OfAda);
                await bus.PublishAsync(new TakeNote.Noted("b", text), new DeliveryOptions { GroupId = "bob" });
            });
        }

        await ada.Settled();
        Assert.Equal(Enumerable.Range(0, 60), (await ada.Texts("a")).Select(int.Parse));
        Assert.Equal(Enumerable.Range(0, 60), (await ada.Texts("b")).Select(int.Parse));
    }

    [Fact]
    public async Task Messages_of_one_unit_of_work_keep_their_order()
    {
        await using var ada = await Node.Start(_database);
        await ada.Unit(async (_, bus) =>
        {
            for (var number = 0; number < 20; number++)
                await bus.PublishAsync(new TakeNote.Noted("a", $"{number}"), OfAda);
        });
        await ada.Settled();
        Assert.Equal(Enumerable.Range(0, 20), (await ada.Texts("a")).Select(int.Parse));
    }

    [Fact]
    public async Task A_message_that_was_published_first_and_committed_last_is_not_overtaken()
    {
        await using var node = await Node.Start(_database);
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await using var slow = await connection.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand("""
            insert into messaging.incoming_envelopes (epoch, ordinal, id, queue, group_id, message_type, body, sent_at, execution_time, attempts)
            values (1, 0, gen_random_uuid(), 'notes.take_note', 'ada', 'note.noted.1', '{"key": "a", "text": "first"}', now(), now(), 0)
            """, connection, slow))
            await insert.ExecuteNonQueryAsync();

        await node.Publish(new TakeNote.Noted("a", "second"), OfAda);
        await node.Publish(new TakeNote.Noted("b", "without a group"));
        await Eventually.True(async () => (await node.Texts("b")).Count == 1, "what has no group does not wait");
        await Task.Delay(200);
        Assert.Empty(await node.Texts("a"));

        await slow.CommitAsync();
        await node.Settled();
        Assert.Equal(["first", "second"], await node.Texts("a"));
    }

    [Fact]
    public async Task A_failing_message_holds_back_its_group_and_no_other()
    {
        await using var node = await Node.Start(_database);
        node.Script.OnNote = (noted, _) => noted.Text == "bad" ? throw new InvalidOperationException("No paper.") : Task.CompletedTask;
        await node.Publish(new TakeNote.Noted("a", "bad"), OfAda);
        await node.Publish(new TakeNote.Noted("a", "after it"), OfAda);
        await node.Publish(new TakeNote.Noted("b", "beside it"), new DeliveryOptions { GroupId = "bob" });
        await node.Settled();
        Assert.Empty(await node.Texts("a"));
        Assert.Equal(["beside it"], await node.Texts("b"));

        await Eventually.True(async () =>
        {
            node.Clock.Advance(TimeSpan.FromMinutes(10));
            await node.Settled();
            return (await node.DeadLetters.List()).Count == 1;
        }, "the bad one is dead");
        await node.Settled();
        Assert.Equal(["after it"], await node.Texts("a"));
    }

    [Fact]
    public async Task Many_groups_that_wait_do_not_keep_others_from_being_handled()
    {
        await using var node = await Node.Create(_database);
        await node.Execute("""
            insert into messaging.incoming_envelopes (epoch, ordinal, id, queue, group_id, message_type, body, sent_at, execution_time, attempts)
            select 1, 0, gen_random_uuid(), 'notes.take_note', 'group ' || n, 'note.noted.1', '{"key": "a", "text": "waits"}', now(), now() + interval '1 hour', 1
            from generate_series(1, 5000) n
            """);
        await node.Publish(new TakeNote.Noted("b", "one"), new DeliveryOptions { GroupId = "zoe" });
        await node.Publish(new TakeNote.Noted("b", "two"), new DeliveryOptions { GroupId = "zoe" });
        await node.StartWorkers();
        await node.Settled();
        Assert.Equal(["one", "two"], await node.Texts("b"));

        node.Clock.Advance(TimeSpan.FromHours(2));
        await node.Settled();
        Assert.Equal(5000, (await node.Texts("a")).Count);
    }

    [Fact]
    public async Task Groups_of_a_database_that_was_restored_elsewhere_do_not_wait_for_its_transaction_counter()
    {
        await using var node = await Node.Create(_database);
        await node.Publish(new TakeNote.Noted("a", "old"), OfAda);
        await node.Execute("update messaging.incoming_envelopes set xact = '999999999'");
        await node.Publish(new TakeNote.Noted("a", "new"), OfAda);
        await node.StartWorkers();
        await node.Settled();
        Assert.Equal(["old", "new"], await node.Texts("a"));
    }

    [Fact]
    public void A_walk_through_groups_goes_round_once_and_again_after_a_break()
    {
        var walk = new GroupWalk();
        Assert.True(walk.Saw("c", end: false, full: false));
        Assert.Equal("c", walk.After);
        Assert.False(walk.Saw("e", end: true, full: false));
        Assert.Equal("", walk.After);

        // There was no room: it goes on from there, and looks at what was before it as well.
        Assert.False(walk.Saw("b", end: false, full: true));
        Assert.Equal("b", walk.After);
        Assert.True(walk.Saw("e", end: true, full: false));
        Assert.False(walk.Saw("e", end: true, full: false));
        Assert.False(walk.Saw(null, end: true, full: false));
    }
}
