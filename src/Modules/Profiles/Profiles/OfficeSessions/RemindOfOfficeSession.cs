using Modular.Messaging;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>An office session comes near: both sides are reminded, unless it does not take place any more.</summary>
internal static class RemindOfOfficeSession
{
    internal sealed class Handler(IDocumentSession store, IMessageBus bus)
    {
        public async Task Handle(OfficeSessionReminderDue message, CancellationToken ct)
        {
            if (await store.LoadAsync<OfficeSession>(message.SessionId, ct) is not { Status: OfficeSessionStatus.Confirmed } session)
                return;
            foreach (var userId in new[] { session.MentorId, session.MenteeId }.OfType<string>())
                await bus.PublishAsync(new OfficeSessionTold(session.Id, userId, OfficeSessionNews.Reminder, session.StartsAt));
        }
    }
}
