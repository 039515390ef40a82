using Modular.Messaging;
using Modular.Sessions.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// A session was started: its device is remembered, and one that is new to a user who has others is told to whom it
/// concerns. Afterwards, so that no sign-in waits for it.
/// </summary>
internal static class RememberDevice
{
    internal sealed class Handler(IDocumentSession store, IMessageBus bus)
    {
        public async Task Handle(SessionOpened message, CancellationToken ct)
        {
            // As it was started: whoever signs out at once does not escape.
            if (await store.Events.AggregateStreamAsync<Session>(message.SessionId, version: 1, token: ct) is not { } session)
                return;
            var key = ClientDevice.KeyOf(session.UserId, session.UserAgent, session.IpAddress);
            var known = await store.QueryAsync<KnownDevice>("where d.user_id = ?", ct, session.UserId);
            if (known.Any(device => device.Id == key))
                return;
            store.Insert(new KnownDevice(key, session.UserId, session.CreatedAt));
            if (known.Count > 0)
                await bus.PublishAsync(new NewDeviceSeen(session.UserId, session.Id, session.CreatedAt));
        }
    }
}

/// <summary>A device that a user has signed in with.</summary>
/// <param name="Id"><see cref="ClientDevice.KeyOf"/>.</param>
internal sealed record KnownDevice(string Id, string UserId, DateTimeOffset FirstSeen);

/// <summary>Somebody signed in. Handled one after the other for each user.</summary>
internal sealed record SessionOpened(string SessionId);
