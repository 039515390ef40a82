using System.Linq.Expressions;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Modular.Store;

/// <summary>What one module stores: its documents, events, projections and subscriptions, all in its own schema.</summary>
public sealed partial class StoreOptions
{
    public StoreOptions(string databaseSchemaName)
    {
        if (!SchemaName().IsMatch(databaseSchemaName))
            throw new ArgumentException($"'{databaseSchemaName}' is not a lower-case schema name.", nameof(databaseSchemaName));
        DatabaseSchemaName = databaseSchemaName;
        Events = new EventOptions(this);
        Projections = new ProjectionOptions(this);
    }

    /// <summary>The module's schema; also the module's name in the feed.</summary>
    public string DatabaseSchemaName { get; }

    /// <summary>Document types.</summary>
    public DocumentOptions Schema { get; } = new();

    /// <summary>Event types.</summary>
    public EventOptions Events { get; }

    /// <summary>Snapshots, flat tables and subscriptions.</summary>
    public ProjectionOptions Projections { get; }

    /// <summary>Tables, views and triggers that the module writes in SQL.</summary>
    public StorageOptions Storage { get; } = new();

    [GeneratedRegex("^[a-z][a-z0-9_]{0,40}$")]
    private static partial Regex SchemaName();
}

/// <summary>The documents of a module.</summary>
public sealed class DocumentOptions
{
    internal List<DocumentMapping> All { get; } = [];

    /// <summary>Registers a document type, stored in <c>mt_doc_{alias}</c>; configure it with what follows.</summary>
    public DocumentMapping<T> For<T>()
        where T : class
    {
        if (All.OfType<DocumentMapping<T>>().FirstOrDefault() is { } known)
            return known;
        var mapping = new DocumentMapping<T>();
        All.Add(mapping);
        return mapping;
    }
}

/// <summary>The events of a module.</summary>
public sealed class EventOptions
{
    private readonly StoreOptions _store;

    internal EventOptions(StoreOptions store) => _store = store;

    internal List<EventMapping> All { get; } = [];

    /// <summary>
    /// Registers an event under its stored name: dotted, with a revision, permanent (<c>session.started.1</c>).
    /// </summary>
    public EventMapping<T> MapEventType<T>(string eventTypeName)
        where T : class
    {
        var mapping = new EventMapping<T>(_store.DatabaseSchemaName, eventTypeName, upcast: null);
        All.Add(mapping);
        return mapping;
    }

    /// <summary>Reads events stored under an old name, in their old shape, as today's <typeparamref name="TEvent"/>.</summary>
    public EventOptions Upcast<TOld, TEvent>(string eventTypeName, Func<TOld, TEvent> upcast)
        where TOld : class
        where TEvent : class
    {
        All.Add(new EventMapping<TOld>(_store.DatabaseSchemaName, eventTypeName, old => upcast((TOld)old)) { ReadAs = typeof(TEvent) });
        return this;
    }
}

/// <summary>How often a snapshot is written.</summary>
public enum SnapshotLifecycle
{
    /// <summary>In the transaction of its events.</summary>
    Inline,
}

/// <summary>The read models and subscriptions of a module.</summary>
public sealed class ProjectionOptions
{
    private readonly StoreOptions _store;

    internal ProjectionOptions(StoreOptions store) => _store = store;

    internal List<ITableProjection> All { get; } = [];

    internal List<SubscriptionMapping> Subscriptions { get; } = [];

    /// <summary>Keeps the state of each stream of <typeparamref name="T"/> as a document, in the transaction of its events.</summary>
    public DocumentMapping<T> Snapshot<T>(SnapshotLifecycle lifecycle = SnapshotLifecycle.Inline)
        where T : class
    {
        _ = lifecycle;
        var mapping = _store.Schema.For<T>();
        All.Add(new SnapshotProjection<T>(_store.DatabaseSchemaName, mapping));
        return mapping;
    }

    /// <summary>Keeps a flat table in the transaction of the events that change it.</summary>
    public void Add(FlatTableProjection projection)
    {
        projection.Attach(_store.DatabaseSchemaName);
        All.Add(projection);
    }

    /// <summary>Keeps a flat table with one row per snapshot of <typeparamref name="T"/>, in the snapshot's transaction.</summary>
    public void Add<T>(SnapshotTableProjection<T> projection)
        where T : class
    {
        projection.Attach(_store.DatabaseSchemaName);
        All.Add(projection);
    }

    /// <summary>
    /// Feeds committed events, each once and in order, to <typeparamref name="T"/> (resolved from the container).
    /// </summary>
    /// <param name="name">The name its progress is stored under; permanent.</param>
    /// <param name="modules">The modules to read; empty: all of them.</param>
    public void Subscribe<T>(string name, params string[] modules)
        where T : class, ISubscription =>
        Subscriptions.Add(new SubscriptionMapping(_store.DatabaseSchemaName, name, typeof(T), modules));
}

/// <summary>A registered subscription.</summary>
internal sealed record SubscriptionMapping(string Schema, string Name, Type Type, IReadOnlyList<string> Modules);

/// <summary>SQL that a module brings along.</summary>
public sealed class StorageOptions
{
    internal List<(string Name, string Sql)> Scripts { get; } = [];

    internal Dictionary<string, string> Partitioned { get; } = [];

    /// <summary>
    /// A migration step, applied once, in the order of registration. <c>{schema}</c> stands for the module's schema;
    /// other schemas that the module publishes are written <c>{neon_auth}</c>, so that <c>db validate</c> can build the
    /// expected schema beside the real one. Steps only ever expand: the version before must keep running.
    /// </summary>
    public void Script(string name, string sql) => Scripts.Add((name, sql));

    /// <summary>
    /// A table of the module's schema whose partitions are made as it grows: how <c>db restore</c> makes one that was
    /// there when the backup was.
    /// </summary>
    /// <param name="table">The partitioned table.</param>
    /// <param name="make">Makes the partition whose name is <c>$1</c>; <c>{schema}</c> stands for the module's schema.</param>
    public void Partitions(string table, string make) => Partitioned.Add(table, make);
}

/// <summary>One registered document type.</summary>
public abstract class DocumentMapping
{
    private protected DocumentMapping(Type type, string alias)
    {
        DocumentType = type;
        Alias = alias;
    }

    internal Type DocumentType { get; }

    internal string Alias { get; private protected set; }

    internal string Schema { get; set; } = "";

    internal string TableName => $"mt_doc_{Alias}";

    internal string QualifiedName => $"{Schema}.{TableName}";

    internal List<DuplicatedColumn> Duplicated { get; } = [];

    internal List<DocumentIndex> Indexes { get; } = [];

    internal abstract string IdOf(object document);
}

/// <summary>A member kept in a column of its own beside the JSON.</summary>
internal sealed record DuplicatedColumn(string Name, string PgType, Func<object, object?> Read);

/// <summary>An index over columns or JSON members.</summary>
internal sealed record DocumentIndex(string Name, bool Unique, string Expression, string? Predicate);

/// <summary>Configures how a document type is stored.</summary>
public sealed class DocumentMapping<T> : DocumentMapping
    where T : class
{
    private Func<T, string> _id;

    internal DocumentMapping()
        : base(typeof(T), Names.Snake(typeof(T).Name)) =>
        _id = typeof(T).GetProperty("Id")?.GetMethod?.CreateDelegate<Func<T, string>>()
            ?? (_ => throw new InvalidOperationException($"{typeof(T).Name} has no string Id; name its identity."));

    /// <summary>The member that identifies the document; <c>Id</c> by default.</summary>
    public DocumentMapping<T> Identity(Expression<Func<T, string>> member)
    {
        _id = member.Compile();
        return this;
    }

    /// <summary>The table's name after <c>mt_doc_</c>; the type's name in snake case by default.</summary>
    public DocumentMapping<T> DocumentAlias(string alias)
    {
        Alias = alias;
        return this;
    }

    /// <summary>Keeps a member in a column of its own, for indexes and joins.</summary>
    public DocumentMapping<T> Duplicate<TValue>(Expression<Func<T, TValue>> member, string pgType, string? columnName = null)
    {
        var read = member.Compile();
        Duplicated.Add(new DuplicatedColumn(columnName ?? Column(member), pgType, document => read((T)document)));
        return this;
    }

    /// <summary>An ordinary index on a duplicated column or a JSON member.</summary>
    public DocumentMapping<T> Index<TValue>(Expression<Func<T, TValue>> member, string? predicate = null) =>
        AddIndex($"mt_doc_{Alias}_idx_{Column(member)}", false, member, predicate);

    /// <summary>A unique index; a violation surfaces as <see cref="DocumentAlreadyExistsException"/> with the index's name.</summary>
    public DocumentMapping<T> UniqueIndex<TValue>(string indexName, Expression<Func<T, TValue>> member, string? predicate = null) =>
        AddIndex(indexName, true, member, predicate);

    internal override string IdOf(object document) => _id((T)document);

    private static string Column(LambdaExpression member) => Names.Snake(MemberOf(member).Member.Name);

    private static MemberExpression MemberOf(LambdaExpression lambda) => lambda.Body switch
    {
        MemberExpression member => member,
        UnaryExpression { Operand: MemberExpression member } => member,
        _ => throw new ArgumentException($"{lambda} is not a member.", nameof(lambda)),
    };

    // data -> 'address' ->> 'city'
    private static string Path(MemberExpression member)
    {
        var names = new List<string>();
        for (Expression? at = member; at is MemberExpression one; at = one.Expression)
            names.Insert(0, $"'{JsonNamingPolicy.CamelCase.ConvertName(one.Member.Name)}'");
        return $"data {string.Concat(names.SkipLast(1).Select(name => $"-> {name} "))}->> {names[^1]}";
    }

    private DocumentMapping<T> AddIndex(string name, bool unique, LambdaExpression member, string? predicate)
    {
        var column = Column(member);
        var expression = Duplicated.Any(duplicated => duplicated.Name == column)
            ? column
            : $"({Path(MemberOf(member))})";
        Indexes.Add(new DocumentIndex(name, unique, expression, predicate));
        return this;
    }
}

internal static class Names
{
    /// <summary><c>OfficeSession</c> → <c>office_session</c>.</summary>
    public static string Snake(string name) => string.Concat(
        name.Select((c, at) => char.IsUpper(c) && at > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
