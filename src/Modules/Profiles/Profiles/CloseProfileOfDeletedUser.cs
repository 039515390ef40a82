using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>A user is gone, and their profile with them.</summary>
internal static class CloseProfileOfDeletedUser
{
    internal static class Handler
    {
        public static async Task Handle(UserDeleted message, IDocumentSession store, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<Profile>(message.UserId, ct);
            if (stream.Aggregate is { } profile)
                stream.AppendOne(new ProfileClosed(profile.UserId, message.At));
        }
    }
}
