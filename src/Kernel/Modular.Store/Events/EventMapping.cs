using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;

namespace Modular.Store;

/// <summary>
/// The value is personal data: stored encrypted with the key of the event's subject, gone when that key is shredded
/// (DESIGN §4). On properties of events only.
/// </summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class PersonalDataAttribute : Attribute;

/// <summary>What the audit log says an event was.</summary>
public enum EventOutcome
{
    /// <summary>It was done.</summary>
    Success,

    /// <summary>It was asked for and refused.</summary>
    Refused,
}

/// <summary>One registered event type.</summary>
public abstract partial class EventMapping
{
    private Func<object, EventMapping, Guid, string, long, DateTimeOffset, FeedPosition, StoredEvent>? _wrap;

    private protected EventMapping(string schema, string name, Type storedAs, Func<object, object>? upcast)
    {
        if (!StoredName().IsMatch(name))
            throw new ArgumentException($"'{name}' is not a stored event name such as 'session.started.1'.", nameof(name));
        Schema = schema;
        Name = name;
        StoredAs = storedAs;
        ReadAs = storedAs;
        Upcast = upcast;
        PersonalMembers = FindPersonalMembers(storedAs);
    }

    internal string Schema { get; }

    internal string Name { get; }

    internal Type StoredAs { get; }

    internal Type ReadAs { get; init; }

    internal Func<object, object>? Upcast { get; }

    internal IReadOnlySet<string> PersonalMembers { get; }

    internal EventOutcome Outcome { get; private protected set; }

    internal abstract string? SubjectOf(object @event);

    /// <summary>Wraps an event in the generic type that projections are written against.</summary>
    internal StoredEvent Wrap(
        object data, Guid id, string streamKey, long version, DateTimeOffset timestamp, FeedPosition position)
    {
        _wrap ??= typeof(StoredEvent<>).MakeGenericType(ReadAs)
            .GetMethod(nameof(StoredEvent<>.Make))!
            .CreateDelegate<Func<object, EventMapping, Guid, string, long, DateTimeOffset, FeedPosition, StoredEvent>>();
        return _wrap(data, this, id, streamKey, version, timestamp, position);
    }

    internal abstract string? ReasonOf(object @event);

    // By the names JSON gives them. Anything that would leave personal data in clear, or an event that cannot be read
    // once its key is shredded, is a mistake of the program and stops its start.
    private static HashSet<string> FindPersonalMembers(Type type)
    {
        var found = new HashSet<string>();
        foreach (var member in StoreJson.Options.GetTypeInfo(type).Properties)
        {
            if (IsPersonal(type, member))
            {
                if (member.PropertyType.IsValueType && Nullable.GetUnderlyingType(member.PropertyType) is null)
                    throw new InvalidOperationException($"{type.Name}.{member.Name} is personal data and must be able to be null, as it is once its key is shredded.");
                found.Add(member.Name);
            }
            else if (HoldsPersonalData(member.PropertyType, [type]))
            {
                throw new InvalidOperationException($"{type.Name}.{member.Name} has personal data inside; mark the whole member.");
            }
        }

        return found;
    }

    // Record parameters carry the attribute on the constructor's parameter, other types on the property.
    private static bool IsPersonal(Type type, JsonPropertyInfo member) =>
        member.AttributeProvider is PropertyInfo property
        && (property.IsDefined(typeof(PersonalDataAttribute))
            || type.GetConstructors().SelectMany(constructor => constructor.GetParameters())
                .Any(parameter => parameter.Name == property.Name && parameter.IsDefined(typeof(PersonalDataAttribute))));

    private static bool HoldsPersonalData(Type type, HashSet<Type> seen)
    {
        var info = StoreJson.Options.GetTypeInfo(type);
        if (info.ElementType is { } element)
            return HoldsPersonalData(element, seen);
        return seen.Add(type) && info.Properties.Any(member => IsPersonal(type, member) || HoldsPersonalData(member.PropertyType, seen));
    }

    [GeneratedRegex(@"^[a-z0-9_]+(\.[a-z0-9_]+)*\.[1-9][0-9]*$")]
    private static partial Regex StoredName();
}

/// <summary>Says what the audit log needs to know about an event type.</summary>
public sealed class EventMapping<T> : EventMapping
    where T : class
{
    private Func<T, string?> _subject = _ => null;
    private Func<T, string?> _reason = _ => null;

    internal EventMapping(string schema, string name, Func<object, object>? upcast)
        : base(schema, name, typeof(T), upcast)
    {
    }

    /// <summary>The person the event is about: whose key encrypts its personal data.</summary>
    public EventMapping<T> About(Func<T, string?> subject)
    {
        _subject = subject;
        return this;
    }

    /// <summary>The event records a refusal, for this reason (a stable code).</summary>
    public EventMapping<T> Refused(Func<T, string?> reason)
    {
        Outcome = EventOutcome.Refused;
        _reason = reason;
        return this;
    }

    /// <summary>Why it was done (a stable code or the caller's words).</summary>
    public EventMapping<T> Because(Func<T, string?> reason)
    {
        _reason = reason;
        return this;
    }

    internal override string? SubjectOf(object @event) => _subject((T)@event);

    internal override string? ReasonOf(object @event) => _reason((T)@event);
}
