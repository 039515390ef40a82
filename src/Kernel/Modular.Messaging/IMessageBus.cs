namespace Modular.Messaging;

/// <summary>
/// Sends messages through the outbox of the running unit of work: they go out if it commits, and only then
/// (DESIGN §5). The shape is Wolverine's.
/// </summary>
public interface IMessageBus
{
    /// <summary>Sends a message to every handler of it, at least once, with effect once.</summary>
    /// <exception cref="InvalidOperationException">The type is not registered as a message.</exception>
    ValueTask PublishAsync<T>(T message, DeliveryOptions? options = null)
        where T : class;
}

/// <summary>How a message is delivered.</summary>
public sealed class DeliveryOptions
{
    /// <summary>Messages of one group are handled one after the other, in the order in which they were committed.</summary>
    public string? GroupId { get; set; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? ScheduledTime { get; set; }

    /// <summary>Not before this much time has passed.</summary>
    public TimeSpan? ScheduleDelay { get; set; }

    /// <summary>Not after this time: it is dropped.</summary>
    public DateTimeOffset? DeliverBy { get; set; }
}

/// <summary>Ways to send.</summary>
public static class MessageBusExtensions
{
    /// <summary>Delivers at a time.</summary>
    public static ValueTask ScheduleAsync<T>(this IMessageBus bus, T message, DateTimeOffset time, DeliveryOptions? options = null)
        where T : class
    {
        options ??= new DeliveryOptions();
        options.ScheduledTime = time;
        return bus.PublishAsync(message, options);
    }

    /// <summary>Delivers after a delay.</summary>
    public static ValueTask ScheduleAsync<T>(this IMessageBus bus, T message, TimeSpan delay, DeliveryOptions? options = null)
        where T : class
    {
        options ??= new DeliveryOptions();
        options.ScheduleDelay = delay;
        return bus.PublishAsync(message, options);
    }
}
