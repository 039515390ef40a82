using System.Text.Json;
using Modular.Store;

namespace Modular.Messaging;

/// <inheritdoc/>
internal sealed class MessageBus(
    IDocumentSession session, MessageRegistry registry, LocalQueues local, FeedSignal feed, StoreDatabase database, TimeProvider clock)
    : IMessageBus
{
    private int _published;

    public ValueTask PublishAsync<T>(T message, DeliveryOptions? options = null)
        where T : class
    {
        var mapping = registry.Message(message.GetType());
        var operation = new PublishOperation(mapping, Publication(message, options), session.Metadata, local, database);
        session.QueueOperation(operation);
        session.OnCommitted(() => Committed(operation));
        return ValueTask.CompletedTask;
    }

    private Publication Publication(object message, DeliveryOptions? options)
    {
        if (options is { GroupId: not null } and ({ ScheduledTime: not null } or { ScheduleDelay: not null }))
            throw new ArgumentException("A group is handled in the order of its commits, so its messages cannot be scheduled: the rest would have to wait.", nameof(options));
        if (options?.GroupId is "")
            throw new ArgumentException("A group has to have a name.", nameof(options));

        var now = clock.GetUtcNow();
        var due = options?.ScheduledTime ?? (options?.ScheduleDelay is { } delay ? now + delay : now);
        var body = JsonSerializer.SerializeToUtf8Bytes(message, message.GetType(), StoreJson.Options);
        return new Publication(Guid.CreateVersion7(now), _published++, body, options?.GroupId, now, due, options?.DeliverBy);
    }

    private void Committed(PublishOperation operation)
    {
        _published = 0;
        if (!operation.HandOver())
            return;
        local.Wake();
        feed.Committed();
    }
}
