using Modular.Identity.Contracts;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// A user is gone, and what is remembered of their devices with them; looked at again later, since the message of a sign-in
/// just before may still be on its way.
/// </summary>
internal static class ForgetDevicesOfDeletedUser
{
    private static readonly TimeSpan SecondLook = TimeSpan.FromMinutes(2);

    internal sealed class Handler(IDocumentSession store, IMessageBus bus)
    {
        public async Task Handle(UserDeleted message, CancellationToken ct)
        {
            Forget(message.UserId);
            await bus.ScheduleAsync(new DevicesForgotten(message.UserId), SecondLook);
        }

        public Task Handle(DevicesForgotten message, CancellationToken ct)
        {
            Forget(message.UserId);
            return Task.CompletedTask;
        }

        private void Forget(string userId)
        {
            store.QueueSqlCommand("delete from sessions.mt_doc_known_device where user_id = ?", userId);
            LastSignIn.Forget(store, userId);
            store.QueueSqlCommand("delete from sessions.mt_doc_one_time_token where user_id = ?", userId);
        }
    }
}

/// <summary>Another look at what is remembered of somebody who is gone.</summary>
internal sealed record DevicesForgotten(string UserId);
