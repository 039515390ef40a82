namespace Modular.Store;

/// <summary>One event type under one stored name.</summary>
/// <param name="Module">The schema it is stored in.</param>
/// <param name="Name">The stored name, e.g. <c>session.started.1</c>.</param>
/// <param name="StoredAs">The shape it is stored in.</param>
/// <param name="IsOld">An old revision that is only read any more.</param>
/// <param name="PersonalMembers">Members that are stored encrypted, as JSON names them.</param>
public sealed record EventType(
    string Module, string Name, Type StoredAs, EventOutcome Outcome, bool IsOld, IReadOnlySet<string> PersonalMembers);

/// <summary>Every event type the modules registered: what the audit log can hold.</summary>
public sealed class EventCatalogue
{
    private readonly StoreRegistry _registry;

    internal EventCatalogue(StoreRegistry registry)
    {
        _registry = registry;
        All =
        [
            .. registry.Modules
                .SelectMany(module => module.Events.All)
                .Select(mapping => new EventType(
                    mapping.Schema, mapping.Name, mapping.StoredAs, mapping.Outcome, mapping.Upcast is not null, mapping.PersonalMembers))
                .OrderBy(type => type.Module, StringComparer.Ordinal)
                .ThenBy(type => type.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>By module and name.</summary>
    public IReadOnlyList<EventType> All { get; }

    /// <summary>What an event that this version writes says of its outcome, and the reason it gives.</summary>
    public (EventOutcome Outcome, string? Reason) Describe(IEvent e)
    {
        var mapping = _registry.Event(e.EventType);
        return (mapping.Outcome, mapping.ReasonOf(e.Data));
    }
}
