using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;

namespace Modular.Store;

/// <summary>Folds events into the state of one stream.</summary>
internal interface IAggregator
{
    Type AggregateType { get; }

    /// <summary>The events that change the state.</summary>
    IReadOnlyCollection<Type> EventTypes { get; }

    /// <summary>
    /// Something of it takes an <see cref="IEvent{T}"/> and may read what only the commit knows: metadata and version.
    /// </summary>
    bool ReadsEnvelope { get; }

    /// <summary>The state after an event; null when there is none yet or the event ends it.</summary>
    object? Apply(object? state, IEvent e);
}

/// <summary>
/// Marten's conventions, on the aggregate itself: <c>static T Create(E)</c>, <c>T Apply(E)</c> or <c>void Apply(E)</c>,
/// <c>bool ShouldDelete(E)</c>; <c>E</c> may be an event or <see cref="IEvent{T}"/> of it. They are pure.
/// </summary>
internal sealed class Aggregator : IAggregator
{
    private static readonly ConcurrentDictionary<Type, Aggregator> Known = new();

    private readonly Dictionary<Type, Func<IEvent, object>> _creates = [];
    private readonly Dictionary<Type, Func<object, IEvent, object>> _applies = [];
    private readonly Dictionary<Type, Func<object, IEvent, bool>> _deletes = [];

    private Aggregator(Type type)
    {
        AggregateType = type;
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;
        foreach (var method in type.GetMethods(All).Where(IsConvention))
            Add(method);
        EventTypes = [.. _creates.Keys.Concat(_applies.Keys).Concat(_deletes.Keys).Distinct()];
        if (EventTypes.Count == 0)
            throw new InvalidOperationException($"{type.Name} has neither Create nor Apply for any event.");
    }

    public Type AggregateType { get; }

    public IReadOnlyCollection<Type> EventTypes { get; }

    public bool ReadsEnvelope { get; private set; }

    public static IAggregator Of(Type type) => Known.GetOrAdd(type, key => new Aggregator(key));

    public object? Apply(object? state, IEvent e)
    {
        if (state is null)
            return _creates.TryGetValue(e.EventType, out var create) ? create(e) : null;
        if (_deletes.TryGetValue(e.EventType, out var delete) && delete(state, e))
            return null;
        return _applies.TryGetValue(e.EventType, out var apply) ? apply(state, e) : state;
    }

    // A record brings methods of its own with one parameter: Equals, and Deconstruct when it has one member.
    private static bool IsConvention(MethodInfo method) =>
        method.Name is "Create" or "Apply" or "ShouldDelete" && method.GetParameters() is [{ ParameterType.IsByRef: false }];

    private void Add(MethodInfo method)
    {
        var parameter = method.GetParameters()[0].ParameterType;
        var wrapped = parameter.IsGenericType && parameter.GetGenericTypeDefinition() == typeof(IEvent<>);
        var eventType = wrapped ? parameter.GetGenericArguments()[0] : parameter;
        var state = Expression.Parameter(typeof(object));
        var e = Expression.Parameter(typeof(IEvent));
        Expression argument = wrapped
            ? Expression.Convert(e, parameter)
            : Expression.Convert(Expression.Property(e, nameof(IEvent.Data)), eventType);
        ReadsEnvelope |= wrapped;
        if (method is { Name: "Create", IsStatic: true } && method.ReturnType == AggregateType)
            _creates.Add(eventType, Compile<Func<IEvent, object>>(Expression.Call(method, argument), e));
        else if (method is { Name: "Apply", IsStatic: false })
            _applies.Add(eventType, Compile<Func<object, IEvent, object>>(ApplyCall(method, state, argument), state, e));
        else if (method is { Name: "ShouldDelete", IsStatic: false } && method.ReturnType == typeof(bool))
            _deletes.Add(eventType, Compile<Func<object, IEvent, bool>>(Expression.Call(Expression.Convert(state, AggregateType), method, argument), state, e));
    }

    private BlockExpression ApplyCall(MethodInfo method, ParameterExpression state, Expression argument)
    {
        var call = Expression.Call(Expression.Convert(state, AggregateType), method, argument);
        return method.ReturnType == typeof(void)
            ? Expression.Block(call, state)
            : Expression.Block(Expression.Convert(call, typeof(object)));
    }

    private static TDelegate Compile<TDelegate>(Expression body, params ParameterExpression[] parameters) =>
        Expression.Lambda<TDelegate>(body, parameters).Compile();
}
