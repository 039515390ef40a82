using Modular.Store;

namespace Modular.Bench;

internal sealed record CounterOpened(string Name);

internal sealed record CounterAdded(int Amount, string Note);

/// <summary>An event of a stream that nothing keeps a snapshot of.</summary>
internal sealed record Ticked(int Number);

internal sealed record Counter(string Name, long Total, int Changes)
{
    public string Id { get; init; } = "";

    public static Counter Create(IEvent<CounterOpened> e) => new(e.Data.Name, 0, 0) { Id = e.StreamKey };

    public Counter Apply(CounterAdded e) => this with { Total = Total + e.Amount, Changes = Changes + 1 };
}

internal sealed record Card(string Id, string Name, string Text, int Number);

/// <summary>A read model of one row per event.</summary>
internal sealed class Additions : FlatTableProjection
{
    public const string Table = "additions";

    public Additions()
        : base(Table)
    {
        Key("id", "uuid");
        Column("counter", "text");
        Column("amount", "integer");
        Column("note", "text");
        Column("at", "timestamptz");
        Project<CounterAdded>(
            row => row
                .MapEvent(e => e.StreamKey, "counter")
                .Map(e => e.Amount)
                .Map(e => e.Note)
                .MapEvent(e => e.Timestamp, "at"),
            e => e.Id);
    }
}

internal static class Model
{
    public const string Schema = "bench";

    /// <param name="store">The module's share.</param>
    /// <param name="rows">Whether the read model of one row per event is kept as well.</param>
    public static void Configure(StoreOptions store, bool rows)
    {
        store.Events.MapEventType<CounterOpened>("counter.opened.1");
        store.Events.MapEventType<CounterAdded>("counter.added.1");
        store.Events.MapEventType<Ticked>("clock.ticked.1");
        store.Projections.Snapshot<Counter>();
        store.Schema.For<Card>();
        if (rows)
            store.Projections.Add(new Additions());
    }
}
