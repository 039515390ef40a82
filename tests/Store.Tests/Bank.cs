using Microsoft.Extensions.DependencyInjection;

namespace Modular.Store.Tests;

/// <summary>What a small module stores: documents, an aggregate with everything that is kept of it, a subscription.</summary>
internal static class Bank
{
    public const string Schema = "bank";

    /// <summary>A second module: the aggregate has no snapshot, and its events have a history.</summary>
    public const string JournalSchema = "journal";

    public static void AddBank(this IServiceCollection services) => services.ConfigureStore(Schema, store =>
    {
        store.Schema.For<Note>()
            .Duplicate(note => note.Author, "text")
            .Duplicate(note => note.Due, "timestamptz")
            .Duplicate(note => note.Weight, "integer")
            .Index(note => note.Author)
            .UniqueIndex("note_title", note => note.Title)
            .UniqueIndex("note_city", note => note.Place!.City, "data -> 'place' is not null");
        MapEvents(store.Events);
        store.Projections.Snapshot<Account>()
            .Duplicate(account => account.Email, "text")
            .Duplicate(account => account.Balance, "bigint")
            .UniqueIndex("account_email", account => account.Email);
        store.Projections.Add(new Payments());
        store.Projections.Add(new Standings());
        store.Projections.Add(new AccountsSync());
        store.Projections.Subscribe<Ledger>("ledger");
        store.Storage.Script("001-published", Published);
        store.Storage.Script("002-ledger", LedgerTables);
    });

    public static void AddJournal(this IServiceCollection services) => services.ConfigureStore(JournalSchema, store =>
    {
        store.Events.MapEventType<JournalOpened>("journal.opened.1");
        store.Events.MapEventType<LineWritten>("journal.line_written.2");
        store.Events.Upcast<LineWritten1, LineWritten>(
            "journal.line_written.1", old => new LineWritten(old.Text, old.Text.Split(' ').Length));
    });

    private static void MapEvents(EventOptions events)
    {
        events.MapEventType<AccountOpened>("account.opened.1").About(e => e.Owner);
        events.MapEventType<MoneyPaidIn>("account.money_paid_in.1");
        events.MapEventType<EmailChanged>("account.email_changed.1").About(e => e.Owner).Because(e => e.Why);
        events.MapEventType<PaymentRefused>("account.payment_refused.1").Refused(e => e.Code);
        events.MapEventType<AccountClosed>("account.closed.1");
    }

    private const string Published = """
        create schema if not exists {published};
        create table {published}.accounts_sync (
            id text primary key, owner text not null, email text, balance bigint not null, seen timestamptz not null);
        create table {schema}.cards (
            number text primary key,
            account_id text not null references {published}.accounts_sync (id) on delete cascade);
        create view {schema}.rich as select id, balance from {schema}.mt_doc_account where balance > 100;
        """;

    private const string LedgerTables = """
        create table {schema}.ledger (
            place bigint generated always as identity primary key,
            event_id uuid not null, module text not null, stream text not null, version bigint not null, node text not null);
        create function {schema}.keep() returns trigger language plpgsql as $body$
        begin
            raise exception 'the ledger only grows';
        end $body$;
        create trigger only_grows before delete or truncate on {schema}.ledger
            for each statement execute function {schema}.keep();
        """;
}

internal enum NoteKind
{
    Plain,
    Loud,
}

internal sealed record Place(string City);

internal sealed record Note(
    string Id, string Title, string? Author = null, NoteKind Kind = NoteKind.Plain, Place? Place = null,
    DateTimeOffset? Due = null, int Weight = 0);

internal sealed record AccountOpened(string Owner, [PersonalData] string? Email);

internal sealed record MoneyPaidIn(long Amount, string? Origin = null);

internal sealed record EmailChanged(string Owner, [PersonalData] string? Email, string? Why = null);

internal sealed record PaymentRefused(string Code);

internal sealed record AccountClosed(bool Final);

internal sealed record Account(
    string Id, string Owner, string? Email, long Balance, string? OpenedBy, long LastChange)
{
    public static Account Create(IEvent<AccountOpened> e) =>
        new(e.StreamKey, e.Data.Owner, e.Data.Email, 0, e.Metadata.Actor, e.Version);

    public Account Apply(IEvent<MoneyPaidIn> e) => this with { Balance = Balance + e.Data.Amount, LastChange = e.Version };

    public Account Apply(EmailChanged e) => this with { Email = e.Email };

    public bool ShouldDelete(AccountClosed e) => e.Final || Balance == 0;
}

internal sealed record JournalOpened(string Title);

internal sealed record LineWritten(string Text, int Words);

internal sealed record LineWritten1(string Text);

/// <summary>No snapshot; and changed in place, as Marten also allows.</summary>
internal sealed class Journal
{
    public string Title { get; private set; } = "";

    public List<string> Lines { get; } = [];

    public static Journal Create(JournalOpened e) => new() { Title = e.Title };

    public void Apply(LineWritten e) => Lines.Add(e.Text);
}

/// <summary>One row per event.</summary>
internal sealed class Payments : FlatTableProjection
{
    public Payments()
        : base("payments")
    {
        Key("id", "uuid");
        Column("account_id", "text");
        Column("amount", "bigint");
        Column("origin", "inet");
        Column("paid_by", "text");
        Column("paid_at", "timestamp with time zone");
        Project<MoneyPaidIn>(
            map => map.Map(e => e.Amount).Map(e => e.Origin)
                .MapEvent(e => e.StreamKey, "account_id").MapEvent(e => e.Metadata.Actor, "paid_by").MapEvent(e => e.Timestamp, "paid_at"),
            e => e.Id);
    }
}

/// <summary>One row per stream, each event writing columns of its own.</summary>
internal sealed class Standings : FlatTableProjection
{
    public Standings()
        : base("standings")
    {
        Key("account_id", "text");
        Column("owner", "text");
        Column("last_amount", "bigint");
        Column("state", "varchar(20)", "not null default 'good'");
        Project<AccountOpened>(map => map.Map(e => e.Owner), e => e.StreamKey);
        Project<MoneyPaidIn>(map => map.Map(e => e.Amount, "last_amount"), e => e.StreamKey);
        Project<PaymentRefused>(map => map.SetValue("state", "refused"), e => e.StreamKey);
        Delete<AccountClosed>(e => e.StreamKey);
    }
}

/// <summary>The whole account, published in another schema, and referenced there by others.</summary>
internal sealed class AccountsSync : SnapshotTableProjection<Account>
{
    public AccountsSync()
        : base("accounts_sync", "published") =>
        Column("id", "text", (account, _) => account.Id)
            .Column("owner", "text", (account, _) => account.Owner)
            .Column("email", "text", (account, _) => account.Email)
            .Column("balance", "bigint", (account, _) => account.Balance)
            .Column("seen", "timestamptz", (_, last) => last.Timestamp);
}

/// <summary>Writes down what it is given, in the order in which it is given.</summary>
internal sealed class Ledger(LedgerPen pen) : ISubscription
{
    public async Task ProcessEventsAsync(EventRange page, IDocumentOperations operations, CancellationToken cancellationToken)
    {
        foreach (var e in page.Events)
        {
            operations.QueueSqlCommand(
                "insert into bank.ledger (event_id, module, stream, version, node) values (?, ?, ?, ?, ?)",
                e.Id, e.Module, e.StreamKey, e.Version, pen.Node);
        }

        await pen.BeforeCommit(page, cancellationToken);
    }
}

/// <summary>Lets a test step between a page and its commit.</summary>
internal sealed class LedgerPen
{
    public string Node { get; set; } = "one";

    public Func<EventRange, CancellationToken, Task> BeforeCommit { get; set; } = (_, _) => Task.CompletedTask;
}
