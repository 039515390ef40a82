using System.Linq.Expressions;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Modular.Store;

namespace Modular.Messaging;

/// <summary>Calls a handler: made once per handler, no reflection per message.</summary>
internal delegate Task MessageHandler(IServiceProvider services, object message, CancellationToken ct);

/// <summary>One handler method and the queue it works off.</summary>
/// <param name="Injected">What the container has to give it.</param>
internal sealed record HandlerMapping(
    string Queue, Type MessageType, Type HandlerType, IReadOnlyList<Type> Injected, MessageHandler Handle);

/// <summary>
/// Finds handlers by convention: a type whose name ends in <c>Handler</c> with a method <c>Task Handle(TMessage, …)</c>.
/// What looks like one and is not fails the start; a convention that is broken in silence loses messages.
/// </summary>
internal static class HandlerDiscovery
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly MethodInfo Resolve = typeof(ServiceProviderServiceExtensions)
        .GetMethod(nameof(ServiceProviderServiceExtensions.GetRequiredService), [typeof(IServiceProvider), typeof(Type)])!;

    public static IEnumerable<HandlerMapping> Find(string module, Assembly assembly) =>
        from type in Types(assembly)
        from method in Methods(type)
        select Map(module, type, method);

    /// <summary>Types with a handler method.</summary>
    public static IEnumerable<Type> Types(Assembly assembly) => assembly.GetTypes()
        .Where(type => type.Name.EndsWith("Handler", StringComparison.Ordinal) && type is { IsClass: true, ContainsGenericParameters: false })
        .Where(type => !type.IsAbstract || type.IsSealed)
        // Handlers of requests belong to the mediator, which has conventions of its own.
        .Where(type => !type.GetInterfaces().Any(contract => contract.Namespace == "MediatR"))
        .Where(type => Methods(type).Any());

    private static IEnumerable<MethodInfo> Methods(Type type) =>
        type.GetMethods(Declared).Where(method => method.Name == "Handle" && !method.IsPrivate);

    private static HandlerMapping Map(string module, Type type, MethodInfo method)
    {
        var parameters = method.GetParameters();
        if (method.ReturnType != typeof(Task) || parameters.Length == 0 || method.IsGenericMethod)
            throw new InvalidOperationException($"{type}.Handle has to be 'Task Handle(TMessage, …)' to handle messages.");

        var injected = parameters.Skip(1).Select(parameter => parameter.ParameterType)
            .Where(parameter => parameter != typeof(CancellationToken)).ToList();
        if (!method.IsStatic)
            injected.Add(type);
        return new HandlerMapping(
            $"{module}.{Names.Snake(Outermost(type).Name)}", parameters[0].ParameterType, type, injected, Compile(type, method));
    }

    private static MessageHandler Compile(Type type, MethodInfo method)
    {
        var services = Expression.Parameter(typeof(IServiceProvider), "services");
        var message = Expression.Parameter(typeof(object), "message");
        var ct = Expression.Parameter(typeof(CancellationToken), "ct");
        var arguments = method.GetParameters().Select((parameter, at) =>
            at == 0 ? Expression.Convert(message, parameter.ParameterType)
            : parameter.ParameterType == typeof(CancellationToken) ? (Expression)ct
            : From(parameter.ParameterType));
        var call = Expression.Call(method.IsStatic ? null : From(type), method, arguments);
        return Expression.Lambda<MessageHandler>(call, services, message, ct).Compile();

        UnaryExpression From(Type service) =>
            Expression.Convert(Expression.Call(Resolve, services, Expression.Constant(service)), service);
    }

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
