using System.Collections.Frozen;

namespace Modular.Messaging;

/// <summary>A registered message: its permanent name and the queues of its handlers.</summary>
internal sealed record MessageMapping(Type Type, string StoredName, string[] Queues);

/// <summary>A queue and the names of the messages that its handlers take.</summary>
internal sealed record QueueMapping(string Name, IReadOnlyList<string> MessageTypes);

/// <summary>Every message and handler of the modules. Making it checks them, so that a mistake stops the start.</summary>
internal sealed class MessageRegistry
{
    private readonly FrozenDictionary<Type, MessageMapping> _messages;
    private readonly FrozenDictionary<(string Queue, string MessageType), HandlerMapping> _handlers;

    /// <exception cref="InvalidOperationException">A message without handler, a handler without message, a name used twice.</exception>
    public MessageRegistry(IEnumerable<MessagingOptions> modules)
    {
        var names = new Dictionary<Type, string>();
        var all = modules.ToList();
        foreach (var (type, name) in all.SelectMany(module => module.Messages))
            AddName(names, type, name);

        var handlers = new Dictionary<(string, string), HandlerMapping>();
        foreach (var handler in all.SelectMany(module => HandlerDiscovery.Find(module.Module, module.Assembly)))
        {
            if (!names.TryGetValue(handler.MessageType, out var name))
                throw new InvalidOperationException($"{handler.HandlerType} handles {handler.MessageType}, which no module publishes; register it with PublishMessage<{handler.MessageType.Name}>(…).");
            if (!handlers.TryAdd((handler.Queue, name), handler))
                throw new InvalidOperationException($"The queue '{handler.Queue}' has two handlers of {handler.MessageType.Name}: {handlers[(handler.Queue, name)].HandlerType} and {handler.HandlerType}.");
        }

        foreach (var (type, name) in names)
        {
            if (!handlers.Keys.Any(key => key.Item2 == name))
                throw new InvalidOperationException($"The message '{name}' ({type}) has no handler: what is published would never be handled.");
        }

        _handlers = handlers.ToFrozenDictionary();
        _messages = names.ToFrozenDictionary(
            message => message.Key,
            message => new MessageMapping(message.Key, message.Value, [.. QueuesOf(handlers.Keys, message.Value)]));
        Queues = [.. handlers.Keys
            .GroupBy(key => key.Item1, key => key.Item2)
            .OrderBy(queue => queue.Key, StringComparer.Ordinal)
            .Select(queue => new QueueMapping(queue.Key, [.. queue.Order(StringComparer.Ordinal)]))];
    }

    public IReadOnlyList<QueueMapping> Queues { get; }

    public IEnumerable<HandlerMapping> Handlers => _handlers.Values;

    public MessageMapping Message(Type type) => _messages.TryGetValue(type, out var message)
        ? message
        : throw new InvalidOperationException($"{type.Name} is not a registered message; add PublishMessage<{type.Name}>(…) to its module.");

    public HandlerMapping Handler(string queue, string messageType) => _handlers[(queue, messageType)];

    private static IEnumerable<string> QueuesOf(IEnumerable<(string Queue, string MessageType)> handlers, string name) =>
        handlers.Where(key => key.MessageType == name).Select(key => key.Queue).Order(StringComparer.Ordinal);

    private static void AddName(Dictionary<Type, string> names, Type type, string name)
    {
        if (names.FirstOrDefault(other => other.Value == name) is { Key: { } taken })
            throw new InvalidOperationException($"The message name '{name}' is registered twice: for {taken} and for {type}.");
        if (!names.TryAdd(type, name))
            throw new InvalidOperationException($"The message {type} is registered twice: as '{names[type]}' and as '{name}'.");
    }
}
