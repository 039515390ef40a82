using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Modular.Messaging;

/// <summary>What one module sends and handles.</summary>
public sealed class MessagingOptions
{
    internal MessagingOptions(string module, Assembly assembly)
    {
        Module = module;
        Assembly = assembly;
    }

    internal string Module { get; }

    internal Assembly Assembly { get; }

    internal Dictionary<Type, string> Messages { get; } = [];

    /// <summary>Registers a message under its stored name: dotted, with a revision, permanent.</summary>
    public MessagingOptions PublishMessage<T>(string storedName)
        where T : class
    {
        Messages.Add(typeof(T), storedName);
        return this;
    }
}

/// <summary>Registration of messaging.</summary>
public static class MessagingServices
{
    /// <summary>
    /// A module's share: the messages it sends, and the handlers in its assembly, found by convention: a type whose
    /// name ends in <c>Handler</c> with a method <c>Task Handle(TMessage, …)</c>; what follows the message is injected.
    /// </summary>
    public static IServiceCollection ConfigureMessaging(
        this IServiceCollection services, string module, Assembly assembly, Action<MessagingOptions>? configure = null)
    {
        var options = new MessagingOptions(module, assembly);
        configure?.Invoke(options);
        services.AddSingleton(options);
        return services;
    }
}
