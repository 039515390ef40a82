namespace Modular.Store;

/// <summary>Everything the modules registered, looked up by type and by stored name.</summary>
internal sealed class StoreRegistry
{
    private readonly Dictionary<Type, DocumentMapping> _documents = [];
    private readonly Dictionary<Type, EventMapping> _eventsByType = [];
    private readonly Dictionary<(string Schema, string Name), EventMapping> _eventsByName = [];
    private readonly Dictionary<Type, ISnapshotProjection> _snapshots = [];
    private readonly Dictionary<Type, List<ITableProjection>> _projectionsByEvent = [];

    public StoreRegistry(IEnumerable<StoreOptions> modules)
    {
        Modules = [.. modules.OrderBy(module => module.DatabaseSchemaName, StringComparer.Ordinal)];
        if (Modules.GroupBy(module => module.DatabaseSchemaName).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InvalidOperationException($"Two modules store in the schema '{twice.Key}'.");
        foreach (var module in Modules)
            Add(module);
        foreach (var projection in Projections)
            Check(projection);
    }

    public IReadOnlyList<StoreOptions> Modules { get; }

    public IEnumerable<ITableProjection> Projections => Modules.SelectMany(module => module.Projections.All);

    public IEnumerable<SubscriptionMapping> Subscriptions => Modules.SelectMany(module => module.Projections.Subscriptions);

    public DocumentMapping Document(Type type) => _documents.TryGetValue(type, out var mapping)
        ? mapping
        : throw new InvalidOperationException($"{type.Name} is not a registered document; add Schema.For<{type.Name}>().");

    public EventMapping Event(Type type) => _eventsByType.TryGetValue(type, out var mapping)
        ? mapping
        : throw new InvalidOperationException($"{type.Name} is not a registered event; add Events.MapEventType<{type.Name}>(…).");

    public EventMapping? Event(string schema, string name) => _eventsByName.GetValueOrDefault((schema, name));

    public IEnumerable<string> EventNames(string schema) =>
        _eventsByName.Keys.Where(key => key.Schema == schema).Select(key => key.Name);

    public ISnapshotProjection? Snapshot(Type aggregate) => _snapshots.GetValueOrDefault(aggregate);

    public IReadOnlyList<ITableProjection> ProjectionsOf(Type eventType) =>
        _projectionsByEvent.TryGetValue(eventType, out var found) ? found : [];

    /// <summary>The schema an aggregate's streams live in: that of the events it is made of.</summary>
    public string SchemaOf(IAggregator aggregator) => aggregator.EventTypes
        .Select(type => _eventsByType.GetValueOrDefault(type)?.Schema)
        .FirstOrDefault(schema => schema is not null)
        ?? throw new InvalidOperationException($"{aggregator.AggregateType.Name} is made of no registered event.");

    // A rebuild reads the events of the projection's module only.
    private void Check(ITableProjection projection)
    {
        var known = projection.EventTypes.Select(type => _eventsByType.GetValueOrDefault(type)).OfType<EventMapping>().ToList();
        if (known.Count == 0)
            throw new InvalidOperationException($"{projection.Name} is made of no registered event.");
        if (known.Find(mapping => mapping.Schema != projection.Module) is { } foreign)
            throw new InvalidOperationException($"{projection.Name} of {projection.Module} reads {foreign.Name}, an event of {foreign.Schema}.");
    }

    private void Add(StoreOptions module)
    {
        foreach (var document in module.Schema.All)
        {
            document.Schema = module.DatabaseSchemaName;
            _documents.Add(document.DocumentType, document);
        }

        foreach (var mapping in module.Events.All)
        {
            if (!_eventsByName.TryAdd((mapping.Schema, mapping.Name), mapping))
                throw new InvalidOperationException($"The event name '{mapping.Name}' is registered twice in {mapping.Schema}.");
            if (mapping.Upcast is null && !_eventsByType.TryAdd(mapping.StoredAs, mapping))
                throw new InvalidOperationException($"The event {mapping.StoredAs.Name} is registered twice.");
        }

        foreach (var projection in module.Projections.All)
        {
            if (projection is ISnapshotProjection snapshot)
                _snapshots.Add(snapshot.Aggregator.AggregateType, snapshot);
            foreach (var type in projection.EventTypes)
            {
                if (!_projectionsByEvent.TryGetValue(type, out var projections))
                    _projectionsByEvent.Add(type, projections = []);
                projections.Add(projection);
            }
        }
    }
}
