using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>A user is gone, and what is remembered of their devices with them.</summary>
internal static class ForgetDevicesOfDeletedUser
{
    internal static class Handler
    {
        public static Task Handle(UserDeleted message, IDocumentSession store, CancellationToken ct)
        {
            store.QueueSqlCommand("delete from sessions.mt_doc_known_device where user_id = ?", message.UserId);
            return Task.CompletedTask;
        }
    }
}
