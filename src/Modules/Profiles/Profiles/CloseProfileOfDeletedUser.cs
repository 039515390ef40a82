using Modular.Identity.Contracts;
using Modular.Messaging;
using Modular.Profiles.Contracts;
using Modular.Store;

namespace Modular.Profiles;

/// <summary>A user is gone, and their profile with them: picture, mentor and mentee, times, calendar, and their part in office sessions.</summary>
internal static class CloseProfileOfDeletedUser
{
    internal sealed class Handler(IDocumentSession store, IMessageBus bus)
    {
        /// <summary>
        /// An office session that is asked for meanwhile either finds the profile closed, or has left a booking that is not
        /// among those that were read: then this is a lost race, and the message is handled again.
        /// </summary>
        public async Task Handle(UserDeleted message, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<Profile>(message.UserId, ct);
            if (stream.Aggregate is not { } profile)
                return;
            stream.AppendOne(new ProfileClosed(profile.UserId, message.At));
            store.QueueSqlCommand("delete from profiles.images where user_id = ?", profile.UserId);

            // Whoever looked after people has left words in some, too.
            var sessions = await store.QueryAsync<OfficeSession>(
                "where d.mentor_id = ? or d.mentee_id = ? or d.ended_by = ?", ct, profile.UserId, profile.UserId, profile.UserId);
            foreach (var session in sessions)
                await Leave(session, message, ct);
            // Of one that the other side has left before, no booking is there any more.
            var booked = sessions
                .Where(session => session.Status is not (OfficeSessionStatus.Declined or OfficeSessionStatus.Cancelled) && session.OtherThan(profile.UserId) is not null)
                .Select(session => session.Id).ToArray();
            store.QueueSqlCommand(booked.Length, "delete from profiles.office_bookings where holder = ?", profile.UserId);
            store.QueueSqlCommand("delete from profiles.office_bookings where session_id = any(?)", (object)booked);
        }

        private async Task Leave(OfficeSession session, UserDeleted message, CancellationToken ct)
        {
            var stream = await store.Events.FetchForWriting<OfficeSession>(session.Id, ct);
            if (stream.Aggregate is not { } current)
                return;
            stream.AppendOne(new OfficeSessionLeft(current.Id, message.UserId, message.At));
            if (current.IsOpen && current.EndsAt > message.At && current.OtherThan(message.UserId) is { } other)
                await bus.PublishAsync(new OfficeSessionTold(current.Id, other, OfficeSessionNews.Cancelled, current.StartsAt));
        }
    }
}
