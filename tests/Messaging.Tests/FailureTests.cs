using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Messaging.Tests;

public sealed class FailureTests : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private Node _node = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _node = await Node.Start(_database, settings: settings => settings.Jitter = () => 0.5);
    }

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_failing_message_is_tried_again_less_and_less_often_and_then_dead()
    {
        _node.Script.OnNote = (_, _) => throw new InvalidOperationException("No paper.");
        await _node.Publish(new TakeNote.Noted("a", "one"));
        await _node.Settled();

        foreach (var (pause, attempts) in new[] { (0.5, 2), (2.5, 3), (12.5, 4), (62.5, 5) })
        {
            // Half a pause is too early.
            _node.Clock.Advance(TimeSpan.FromSeconds(pause / 2));
            await _node.Settled();
            if (pause > 10)
                Assert.Equal(attempts - 1, _node.Script.Begun.Count);
            _node.Clock.Advance(TimeSpan.FromSeconds((pause / 2) + 0.1));
            await _node.Settled();
            Assert.Equal(attempts, _node.Script.Begun.Count);
        }

        var letter = Assert.Single(await _node.DeadLetters.List());
        Assert.Equal(
            (Notes.TakeQueue, "note.noted.1", """{"key": "a", "text": "one"}""", 5, "System.InvalidOperationException", "No paper."),
            (letter.Queue, letter.MessageType, letter.Body, letter.Attempts, letter.ExceptionType, letter.ExceptionMessage));
        Assert.Equal([letter], await _node.DeadLetters.Find(letter.Id));
        Assert.Equal(0, await _node.Waiting());
        Assert.Empty(await _node.Texts("a"));
    }

    [Fact]
    public async Task A_dead_letter_can_be_sent_again()
    {
        await Kill("one");
        var letter = Assert.Single(await _node.DeadLetters.List());
        _node.Script.OnNote = (_, _) => Task.CompletedTask;

        Assert.Equal(1, await _node.DeadLetters.Replay(letter.Id));
        await _node.Settled();

        Assert.Equal(["one"], await _node.Texts("a"));
        Assert.Empty(await _node.DeadLetters.List());
        Assert.Equal(0, await _node.DeadLetters.Replay(letter.Id));
    }

    [Fact]
    public async Task All_dead_letters_of_a_queue_can_be_sent_again_or_one_thrown_away()
    {
        await Kill("one", "two", "three");
        var page = await _node.DeadLetters.List(Notes.TakeQueue, limit: 2);
        var rest = await _node.DeadLetters.List(Notes.TakeQueue, limit: 2, before: page[1]);
        Assert.Equal(3, page.Concat(rest).Select(letter => letter.Id).Distinct().Count());
        _node.Script.OnNote = (_, _) => Task.CompletedTask;

        Assert.Equal(1, await _node.DeadLetters.Delete(page[0].Id));
        Assert.Equal(0, await _node.DeadLetters.ReplayAll("another.queue"));
        Assert.Equal(2, await _node.DeadLetters.ReplayAll(Notes.TakeQueue));
        await _node.Settled();

        Assert.Equal(2, (await _node.Texts("a")).Count);
        Assert.Empty(await _node.DeadLetters.List());
    }

    [Fact]
    public async Task A_dead_letter_that_an_operator_marks_in_SQL_is_sent_again()
    {
        await Kill("one");
        _node.Script.OnNote = (_, _) => Task.CompletedTask;
        await using var other = await Node.Start(_database, settings: settings => settings.Inspection = TimeSpan.FromMilliseconds(50));
        await _node.Execute("update messaging.dead_letters set replayable = true");

        await Eventually.True(async () => (await _node.Texts("a")).Count == 1, "it was sent again");
    }

    [Fact]
    public async Task A_message_that_cannot_be_read_becomes_a_dead_letter()
    {
        await _node.Execute("""
            insert into messaging.incoming_envelopes (epoch, ordinal, id, queue, message_type, body, sent_at, execution_time, attempts)
            values (1, 0, gen_random_uuid(), 'notes.take_note', 'note.noted.1', '{"key": 7}', now(), now(), 4)
            """);
        await _node.Settled();

        Assert.Equal("System.Text.Json.JsonException", Assert.Single(await _node.DeadLetters.List()).ExceptionType);
    }

    [Fact]
    public async Task A_message_that_takes_its_node_down_each_time_becomes_a_dead_letter()
    {
        await _node.Execute("""
            insert into messaging.incoming_envelopes (epoch, ordinal, id, queue, message_type, body, sent_at, execution_time, attempts,
                owner, owner_until)
            values (1, 0, gen_random_uuid(), 'notes.take_note', 'note.noted.1', '{"key": "a", "text": "one"}', now(), now(), 5,
                gen_random_uuid(), now() - interval '1 second')
            """);
        await _node.Settled();

        Assert.Equal("Abandoned", Assert.Single(await _node.DeadLetters.List()).ExceptionType);
        Assert.Empty(_node.Script.Begun);
    }

    [Fact]
    public async Task A_handler_that_hangs_is_cancelled_and_counts_as_failed()
    {
        await using var node = await Node.Start(_database, settings: settings =>
        {
            // Long beside the time-out: on a busy machine the lease must not be over first.
            settings.Lease = TimeSpan.FromSeconds(6);
            settings.HandlerTimeout = TimeSpan.FromMilliseconds(300);
            settings.MaximumAttempts = 1;
        });
        await _node.Stop();
        node.Script.OnNote = (_, ct) => Task.Delay(Timeout.Infinite, ct);
        await node.Publish(new TakeNote.Noted("a", "one"));
        await Eventually.True(async () => await node.Waiting() == 0, "it was given up");

        Assert.Equal("System.TimeoutException", Assert.Single(await node.DeadLetters.List()).ExceptionType);
    }

    [Fact]
    public async Task Killed_connections_are_survived()
    {
        var paused = new TaskCompletionSource();
        _node.Script.OnNote = (_, _) => paused.Task;
        await _node.Unit(async (_, bus) =>
        {
            for (var number = 0; number < 100; number++)
                await bus.PublishAsync(new TakeNote.Noted("a", $"{number}"));
        });
        await Eventually.True(() => !_node.Script.Begun.IsEmpty, "handlers are running");

        for (var kill = 0; kill < 5; kill++)
        {
            await _node.Execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
            paused.TrySetResult();
            await Task.Delay(50);
        }

        await Eventually.True(async () =>
        {
            _node.Clock.Advance(TimeSpan.FromSeconds(1));
            return await _node.Waiting() == 0;
        }, "all are handled");
        Assert.Equal(Enumerable.Range(0, 100), (await _node.Texts("a")).Select(int.Parse).Order());
        Assert.Empty(await _node.DeadLetters.List());
    }

    [Fact]
    public async Task Stopping_lets_running_handlers_finish_and_gives_the_rest_back()
    {
        var released = new TaskCompletionSource();
        _node.Script.OnNote = (_, _) => released.Task;
        await _node.Unit(async (_, bus) =>
        {
            for (var number = 0; number < 20; number++)
                await bus.PublishAsync(new TakeNote.Noted("a", $"{number}"));
        });
        await Eventually.True(() => _node.Script.Begun.Count == 4, "four are running");
        var stopping = _node.Stop();
        await Eventually.True(
            async () => (await _node.Strings("select 1 from messaging.incoming_envelopes where owner is null and attempts = 0")).Count == 16, "sixteen are given back");
        released.SetResult();
        await stopping;

        Assert.Equal(4, (await _node.Texts("a")).Count);
        Assert.Equal(16, await _node.Waiting());
    }

    [Fact]
    public async Task Figures_are_kept()
    {
        var handled = 0L;
        var failed = 0L;
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        var factory = _node.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>();
        listener.InstrumentPublished = (instrument, to) =>
        {
            if (instrument.Meter.Name == "Modular.Messaging" && ReferenceEquals(instrument.Meter.Scope, factory))
                to.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
        {
            if (instrument.Name.EndsWith("handled", StringComparison.Ordinal))
                Interlocked.Add(ref handled, value);
            if (instrument.Name.EndsWith("failed", StringComparison.Ordinal))
                Interlocked.Add(ref failed, value);
        });
        listener.Start();

        _node.Script.OnNote = (noted, _) => noted.Text == "bad" ? throw new InvalidOperationException("No paper.") : Task.CompletedTask;
        await _node.Publish(new TakeNote.Noted("a", "good"));
        await _node.Publish(new TakeNote.Noted("a", "bad"));
        await _node.Settled();
        await Eventually.True(() => Interlocked.Read(ref handled) == 1 && Interlocked.Read(ref failed) >= 1, "one of each is counted");
    }

    private async Task Kill(params string[] texts)
    {
        _node.Script.OnNote = (_, _) => throw new InvalidOperationException("No paper.");
        foreach (var text in texts)
            await _node.Publish(new TakeNote.Noted("a", text));
        await Eventually.True(async () =>
        {
            await _node.Settled();
            _node.Clock.Advance(TimeSpan.FromMinutes(10));
            return (await _node.DeadLetters.List()).Count == texts.Length;
        }, "they are dead");
    }
}
