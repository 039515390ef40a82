using Modular.Identity.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>Whoever registered an address that was not theirs may have left with the secret address of its calendar: it works no more.</summary>
internal static class CloseCalendarFeedOfReclaimedUser
{
    internal sealed class Handler(IDocumentSession store)
    {
        public async Task Handle(UserReclaimed message, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<Profile>(message.UserId, ct);
            if (stream.Aggregate is { FeedHash: not null } profile)
                stream.AppendOne(new CalendarFeedClosed(profile.UserId, message.At));
        }
    }
}
