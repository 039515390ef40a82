using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Modular.Testing;

namespace Modular.Store.Tests;

public sealed class EventTypeTests(Store store) : IClassFixture<Store>
{
    private Node Node => store.Node;

    [Fact]
    public async Task An_event_of_last_month_is_read_as_todays()
    {
        var key = Some.Key();
        await using var database = await TestDatabase.CreateAsync();
        await using (var old = await Node.Start(database.ConnectionString, services => services.ConfigureStore(Bank.JournalSchema, journal =>
        {
            journal.Events.MapEventType<JournalOpened>("journal.opened.1");
            journal.Events.MapEventType<LineWritten1>("journal.line_written.1");
        })))
        {
            await old.Append(key, new JournalOpened("Days"), new LineWritten1("two words"));
        }

        await using var node = await Node.Start(database.ConnectionString, services => services.AddJournal());
        await using var session = node.Session();
        Assert.Equal(["two words"], (await session.Events.AggregateStreamAsync<Journal>(key))!.Lines);
        var line = (await session.Events.FetchStreamAsync<Journal>(key))[1];
        Assert.Equal((new LineWritten("two words", 2), typeof(LineWritten), "journal.line_written.1"), (line.Data, line.EventType, line.EventTypeName));
    }

    [Fact]
    public async Task An_event_that_no_code_knows_fails_the_start_by_name()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using (var newer = await Node.Start(database.ConnectionString))
        {
            await newer.Append("x", new JournalOpened("Days"), new LineWritten("one", 1));
        }

        await using var older = Node.Create(database.ConnectionString, services => services.ConfigureStore(
            Bank.JournalSchema, journal => journal.Events.MapEventType<JournalOpened>("journal.opened.1")));
        foreach (var start in (Func<Task>[])[() => older.Migrator.Apply(), () => older.Migrator.EnsureApplied()])
        {
            var refused = await Assert.ThrowsAsync<UnknownEventTypeException>(start);
            Assert.StartsWith("journal.mt_events holds an event of type 'journal.line_written.2'", refused.Message, StringComparison.Ordinal);
        }

        // Once seen it is known for good, however little is read at the next start.
        await using var again = await Node.Start(database.ConnectionString);
        await Assert.ThrowsAsync<UnknownEventTypeException>(() => older.Migrator.Apply());
    }

    [Fact]
    public async Task The_canonical_bytes_of_an_event_never_change()
    {
        await using var session = Node.Store.LightweightSession(new EventMetadata
        {
            Actor = "ada",
            SessionId = "s1",
            OrganizationId = "o1",
            CorrelationId = "r1",
            CausationId = "m1",
        });
        var key = Some.Key();
        session.Events.Append(
            key, new MoneyPaidIn(5, "::1"), new EmailChanged("grace", null, "typo \"quoted\" <ü> \u2028"), new PaymentRefused("no_money"));
        await session.SaveChangesAsync();

        var text = new StringBuilder();
        foreach (var e in await session.Events.FetchStreamAsync<Account>(key))
        {
            text.Append(Encoding.UTF8.GetString(e.Canonical.Span)
                .Replace(e.Id.ToString(), "ID", StringComparison.Ordinal)
                .Replace(key, "KEY", StringComparison.Ordinal)
                .Replace(e.Timestamp.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture), "TIME", StringComparison.Ordinal)).Append('\n');
        }

        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "canonical.golden")), text.ToString());
    }

    [Fact]
    public async Task An_event_that_is_too_large_is_refused_at_append()
    {
        var (key, note) = (Some.Key(), new Note(Some.Key(), Some.Key("t")));
        await using var session = Node.Session();
        session.Insert(note);
        session.Events.Append(key, new JournalOpened(new string('x', 60 * 1024)));
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => session.SaveChangesAsync());
        Assert.Equal("The event journal.opened.1 is larger than 61440 bytes.", refused.Message);
        session.EjectAllPendingChanges();
        Assert.Null(await session.LoadAsync<Note>(note.Id));

        session.Events.Append(key, new JournalOpened(new string('x', 60 * 1024 - 500)));
        await session.SaveChangesAsync();
        Assert.Single(await session.Events.FetchStreamAsync<Journal>(key));
    }

    [Fact]
    public void A_stored_name_is_dotted_with_a_revision_and_registered_once()
    {
        var events = new StoreOptions("x").Events;
        foreach (var wrong in (string[])["JournalOpened", "journal.opened", "journal.opened.0", "Journal.opened.1", "1", ""])
            Assert.Throws<ArgumentException>(() => events.MapEventType<JournalOpened>(wrong));
        Assert.Throws<InvalidOperationException>(() => Node.Create(store.ConnectionString, services => services.ConfigureStore("x", options =>
        {
            options.Events.MapEventType<JournalOpened>("a.b.1");
            options.Events.MapEventType<LineWritten>("a.b.1");
        }).BuildServiceProvider()).Get<StoreRegistry>());
    }

    [Fact]
    public void A_projection_reads_the_events_of_its_own_module()
    {
        var foreign = Node.Create(store.ConnectionString, services =>
        {
            services.AddJournal();
            services.ConfigureStore("x", options =>
            {
                var table = new FlatTableProjection("t").Key("id", "text");
                table.Project<JournalOpened>(_ => { }, e => e.StreamKey);
                options.Projections.Add(table);
            });
        });
        Assert.Equal(
            "x.t of x reads journal.opened.1, an event of journal.",
            Assert.Throws<InvalidOperationException>(() => foreign.Get<StoreRegistry>()).Message);
    }
}
