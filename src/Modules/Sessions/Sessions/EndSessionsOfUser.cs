using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// Another module, or the user, ends every session of a user but perhaps one, in the asker's unit of work
/// (<see cref="Contracts.EndSessionsOfUser"/>); also those in which they act as somebody else.
/// </summary>
internal static class EndSessionsOfUser
{
    internal const string UserDeleted = "user_deleted";

    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.EndSessionsOfUser, int>
    {
        public async Task<int> Handle(Contracts.EndSessionsOfUser command, CancellationToken ct)
        {
            var now = clock.GetUtcNow();
            var rows = await store.QueryAsync<Session>("where (d.user_id = ? or d.impersonated_by = ?) and d.id <> ?", ct, command.UserId, command.UserId, command.ExceptSessionId ?? "");
            var ended = 0;
            foreach (var stream in await store.Events.FetchForWriting<Session>([.. rows.Select(row => row.Id)], ct))
            {
                if (Decide(stream.Aggregate, command.Reason, now) is not { } @event)
                    continue;
                stream.AppendOne(@event);
                if (@event is SessionRevoked)
                    ended++;
            }

            if (command.ExceptSessionId is null)
                store.QueueSqlCommand("delete from sessions.mt_doc_one_time_token where user_id = ?", command.UserId);
            // An impersonation that has begun since it was asked for: the commit finds it, and this runs again.
            store.QueueSqlCommand(
                0, "update sessions.mt_doc_session set id = id where impersonated_by = ? and id <> ?", command.UserId, command.ExceptSessionId ?? "");
            // Nor may one begin for a user who is just being deleted.
            if (command.Reason == UserDeleted)
                store.QueueSqlCommand(0, "update sessions.mt_doc_session set id = id where user_id = ?", command.UserId);
            return ended;
        }
    }

    /// <summary>A session that ran out of time before was not revoked, and is not said to have been.</summary>
    internal static object? Decide(Session? session, string reason, DateTimeOffset now) => session switch
    {
        null => null,
        _ when session.IsOver(now) => new SessionExpired(session.Id, session.UserId, session.ExpiresAt, now),
        _ => new SessionRevoked(session.Id, session.UserId, reason, now),
    };
}
