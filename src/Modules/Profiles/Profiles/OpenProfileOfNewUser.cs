using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>A user who has registered gets a profile, private and empty.</summary>
internal static class OpenProfileOfNewUser
{
    internal static class Handler
    {
        /// <summary>A profile that is there already stays: the message may come twice, or after the user's first update.</summary>
        public static async Task Handle(UserRegistered message, IDocumentSession store, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<Profile>(message.UserId, ct);
            if (Decide(stream.Aggregate, message) is { } opened)
                stream.AppendOne(opened);
        }
    }

    internal static ProfileOpened? Decide(Profile? profile, UserRegistered message) =>
        profile is null ? new ProfileOpened(message.UserId, message.At) : null;
}
