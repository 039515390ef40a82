using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Audit.Tests;

/// <summary>The whole way from many writers at once to a sink, while whoever carries it is killed again and again.</summary>
public sealed class ManyWritersTests : IAsyncLifetime
{
    private const int Writers = 64;
    private const int EventsEach = 40;

    private readonly SinkApp _app = new();

    public Task InitializeAsync() => _app.InitializeAsync();

    public Task DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task Of_64_writers_nothing_is_skipped_repeated_or_out_of_order()
    {
        var committed = new ConcurrentDictionary<string, int>();
        using var done = new CancellationTokenSource();
        var killing = KillAtRandom(done.Token);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Write(writer, committed)));
        await done.CancelAsync();
        await killing;
        await _app.Pushed("whole");

        var rows = await _app.Sql("select position, event_id, convert_from(canonical, 'UTF8')::jsonb ->> 'stream', (convert_from(canonical, 'UTF8')::jsonb #>> '{data,id}')::int from audit.entries where module = 'alpha' order by position");
        // Dense, each event once, each stream in its order, exactly what was committed.
        Assert.Equal(await _app.Count("select count(*) from audit.entries"), await _app.Head());
        Assert.Equal(rows.Count, rows.Select(row => row[1]).Distinct().Count());
        Assert.Equal(committed.Values.Sum(), rows.Count);
        foreach (var stream in rows.GroupBy(row => (string)row[2]!))
            Assert.Equal(Enumerable.Range(0, committed[stream.Key]), stream.Select(row => (int)row[3]!));
        Assert.Null((await _app.Send(new Contracts.VerifyLog())).FirstWrong);

        var expected = 0L;
        foreach (var delivery in _app.Whole.Taken)
        {
            Assert.True(delivery.Positions[0] <= expected, $"{delivery.Positions[0]} came when {expected} was due");
            for (var at = 1; at < delivery.Positions.Count; at++)
                Assert.Equal(delivery.Positions[at - 1] + 1, delivery.Positions[at]);
            expected = Math.Max(expected, delivery.Positions[^1] + 1);
        }

        Assert.Equal(await _app.Head(), expected);
        Assert.Equal(0, _app.Whole.Forged);
    }

    // One in five is rolled back after it has written; some stay open for a while, so that others commit before them.
    private async Task Write(int writer, ConcurrentDictionary<string, int> committed)
    {
        var random = new Random(writer);
        var stream = $"writer-{writer}";
        var next = 0;
        while (next < EventsEach)
        {
            await Task.Delay(random.Next(20));
            await using var session = _app.Services.GetRequiredService<IDocumentStore>().LightweightSession();
            var count = random.Next(1, 4);
            session.Events.Append(stream, [.. Enumerable.Range(next, count).Select(at => (object)new GadgetMade($"{at}", $"owner-{writer}", "n"))]);
            if (random.Next(4) == 0)
                session.QueueSqlCommand("select pg_sleep(?)", random.Next(1, 60) / 1000.0);
            var fails = random.Next(5) == 0;
            if (fails)
                session.QueueSqlCommand(1, "update audit.sinks set name = name where name = 'nobody'");
            try
            {
                await session.SaveChangesAsync();
                Assert.False(fails);
                next += count;
                committed[stream] = next;
            }
            catch (ConcurrencyException)
            {
                Assert.True(fails);
            }
        }
    }

    // Connections are cut in the middle of whatever they do, and servers come and go.
    private async Task KillAtRandom(CancellationToken ct)
    {
        var random = new Random(7);
        while (!ct.IsCancellationRequested)
        {
            var node = await _app.Another();
            for (var cut = 0; cut < 4 && !ct.IsCancellationRequested; cut++)
            {
                await Task.Delay(random.Next(100, 500), ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await _app.Sql("""
                    select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database
                    where l.locktype = 'advisory' and l.objsubid = 1 and d.datname = current_database() and l.pid <> pg_backend_pid() and random() < 0.5
                    """);
            }

            await node.DisposeAsync();
        }
    }
}
