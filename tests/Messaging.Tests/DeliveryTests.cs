using Microsoft.Extensions.DependencyInjection;
using Modular.Store;
using Modular.Testing;

namespace Modular.Messaging.Tests;

public sealed class DeliveryTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private Node _node = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _node = await Node.Start(_database);
    }

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_message_is_handled_and_gone()
    {
        await _node.Publish(new TakeNote.Noted("a", "one"));
        await _node.Settled();

        Assert.Equal(["one"], await _node.Texts("a"));
        Assert.Equal(0, await _node.Waiting());
    }

    [Fact]
    public async Task Nothing_is_sent_by_a_unit_of_work_that_does_not_commit()
    {
        await using (var scope = _node.Services.CreateAsyncScope())
            await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(new TakeNote.Noted("a", "never"));
        await Assert.ThrowsAsync<EventStreamUnexpectedMaxEventIdException>(() => _node.Unit(async (session, bus) =>
        {
            await bus.PublishAsync(new TakeNote.Noted("a", "lost"));
            session.Events.Append("stream", expectedVersion: 7, new NoteWritten("there is no version 6"));
        }));
        await _node.Settled();

        Assert.Empty(_node.Script.Begun);
        Assert.Equal(0, await _node.Waiting());
    }

    [Fact]
    public async Task A_handlers_writes_and_its_messages_commit_together()
    {
        await _node.Publish(new ForwardNote.Forwarded("a", "one"));
        await _node.Settled();

        Assert.Equal(["one forwarded", "one"], await _node.Texts("a"));
    }

    [Fact]
    public async Task A_request_that_a_handler_sends_joins_its_unit_of_work()
    {
        await _node.Publish(new DictateNote.Dictated("works", "one", Stumbles: false));
        await _node.Publish(new DictateNote.Dictated("stumbles", "one", Stumbles: true));
        await _node.Settled();

        Assert.Equal(["one"], await _node.Texts("works"));
        Assert.Empty(await _node.Texts("stumbles"));
    }

    [Fact]
    public async Task What_a_handler_does_says_who_caused_it()
    {
        await using (var scope = _node.Services.CreateAsyncScope())
        {
            var session = scope.ServiceProvider.GetRequiredService<IDocumentSession>();
            session.Metadata.Actor = "ada";
            session.Metadata.SessionId = "phone";
            session.Metadata.OrganizationId = "acme";
            session.Metadata.CorrelationId = "request";
            session.Metadata.IpAddress = "192.0.2.1";
            await scope.ServiceProvider.GetRequiredService<IMessageBus>().PublishAsync(new DictateNote.Dictated("a", "one", Stumbles: false));
            await session.SaveChangesAsync();
        }

        await _node.Settled();

        // The feed ends where the oldest open transaction of the server begins, which may be another test's.
        var feed = _node.Services.GetRequiredService<EventFeed>();
        await Eventually.True(async () => (await feed.ReadAfter(FeedPosition.Start, 10)).Count == 1, "the event can be read");
        var metadata = Assert.Single(await feed.ReadAfter(FeedPosition.Start, 10)).Metadata;
        Assert.Equal(
            ("ada", "phone", "acme", "request", null),
            (metadata.Actor, metadata.SessionId, metadata.OrganizationId, metadata.CorrelationId, metadata.IpAddress));
        Assert.True(Guid.TryParse(metadata.CausationId, out _));
    }

    [Fact]
    public async Task Every_handler_of_a_message_gets_it_and_a_broken_one_stops_nobody_else()
    {
        _node.Script.OnNews = () => throw new InvalidOperationException("Broken.");
        await _node.Publish(new HearNews.News("it rains"));
        await Eventually.True(async () => (await _node.Texts("news")).Count == 1, "the other handler has it");

        await _node.Settled();
        Assert.Equal(["notes.hear_news"], await _node.Strings("select queue from messaging.incoming_envelopes"));
    }

    [Fact]
    public async Task A_hanging_queue_stops_nobody_else()
    {
        var released = new TaskCompletionSource();
        _node.Script.OnNote = (_, _) => released.Task;
        await _node.Unit(async (_, bus) =>
        {
            for (var number = 0; number < 200; number++)
                await bus.PublishAsync(new TakeNote.Noted("a", $"{number}"));
        });
        await _node.Publish(new HearNews.News("it rains"));
        await Eventually.True(async () => (await _node.Texts("news")).Count == 1, "the other queue goes on");

        released.SetResult();
        await _node.Settled();
        Assert.Equal(200, (await _node.Texts("a")).Distinct().Count());
    }

    [Fact]
    public async Task Messages_that_race_for_one_stream_all_take_effect()
    {
        await _node.Unit(async (session, bus) =>
        {
            session.Events.Append("record", new NoteWritten("0"));
            for (var number = 1; number <= 20; number++)
                await bus.PublishAsync(new KeepRecord.Recorded("record", number));
        });
        await Eventually.True(async () =>
        {
            _node.Clock.Advance(TimeSpan.FromSeconds(1));
            await _node.Settled();
            return await _node.Waiting() == 0;
        }, "every race has been run");

        var texts = await _node.Strings("select data ->> 'text' from notes.mt_events where stream_id = 'record'");
        Assert.Equal(Enumerable.Range(0, 21), texts.Select(int.Parse).Order());
    }

    [Fact]
    public async Task A_scheduled_message_waits_for_its_time()
    {
        var now = _node.Clock.GetUtcNow();
        await _node.Unit(async (_, bus) =>
        {
            await bus.ScheduleAsync(new TakeNote.Noted("a", "in an hour"), TimeSpan.FromHours(1));
            await bus.ScheduleAsync(new TakeNote.Noted("a", "in two hours"), now.AddHours(2));
            await bus.PublishAsync(new TakeNote.Noted("a", "now"));
        });
        await _node.Settled();
        Assert.Equal(["now"], await _node.Texts("a"));

        _node.Clock.Advance(TimeSpan.FromHours(1));
        await _node.Settled();
        Assert.Equal(["now", "in an hour"], await _node.Texts("a"));

        _node.Clock.Advance(TimeSpan.FromHours(1));
        await _node.Settled();
        Assert.Equal(["now", "in an hour", "in two hours"], await _node.Texts("a"));
    }

    [Fact]
    public async Task A_schedule_needs_nobody_to_look_at_the_clock()
    {
        await _node.Unit(async (_, bus) => await bus.ScheduleAsync(new TakeNote.Noted("a", "soon"), TimeSpan.FromMilliseconds(700)));
        await Eventually.True(() => _node.Script.Begun.Count == 1, "it came due");
    }

    [Fact]
    public async Task A_message_is_dropped_when_its_time_is_over()
    {
        await _node.Publish(
            new TakeNote.Noted("a", "too late"),
            new DeliveryOptions { ScheduleDelay = TimeSpan.FromHours(2), DeliverBy = _node.Clock.GetUtcNow().AddHours(1) });
        _node.Clock.Advance(TimeSpan.FromHours(3));
        await _node.Settled();

        Assert.Empty(_node.Script.Begun);
        Assert.Equal(0, await _node.Waiting());
        Assert.Empty(await _node.DeadLetters.List());
    }

    [Fact]
    public async Task A_group_cannot_be_scheduled() => await Assert.ThrowsAsync<ArgumentException>(() => _node.Publish(
        new TakeNote.Noted("a", "one"), new DeliveryOptions { GroupId = "ada", ScheduleDelay = TimeSpan.FromHours(1) }));

    [Fact]
    public async Task A_message_that_no_code_knows_is_left_alone_and_reported()
    {
        await using var other = await Node.Start(_database, settings: settings => settings.Inspection = TimeSpan.FromMilliseconds(50));
        await _node.Execute("""
            insert into messaging.incoming_envelopes (epoch, ordinal, id, queue, message_type, body, sent_at, execution_time, attempts)
            values (1, 0, gen_random_uuid(), 'notes.take_note', 'note.noted.99', '{}', now(), now(), 0),
                (1, 0, gen_random_uuid(), 'gone.module', 'note.noted.1', '{}', now(), now(), 0)
            """);
        await _node.Publish(new TakeNote.Noted("a", "one"));
        await _node.Settled();
        await Eventually.True(() => other.Daemon.Statuses.Count == 2, "they are counted");

        Assert.Equal(["one"], await _node.Texts("a"));
        Assert.Equal(
            [("gone.module", "note.noted.1", 1L, false), ("notes.take_note", "note.noted.99", 1L, false)],
            other.Daemon.Statuses.Select(status => (status.Queue, status.MessageType, status.Count, status.Known)));
    }
}
