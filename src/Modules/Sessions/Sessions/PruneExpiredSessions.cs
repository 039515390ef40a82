using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// Sessions whose time is over are ended: every hour by <see cref="ExpiredSessionsSweep"/>, or when an operator asks
/// (<see cref="Contracts.PruneExpiredSessions"/>). Nobody waits for it: a check looks at the expiry itself.
/// </summary>
internal static class PruneExpiredSessions
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.PruneExpiredSessions, int>
    {
        public async Task<int> Handle(Contracts.PruneExpiredSessions command, CancellationToken ct)
        {
            var now = clock.GetUtcNow();
            var rows = await store.QueryAsync<Session>(
                "where d.expires_at <= ? order by d.expires_at limit ?", ct, now, command.AtMost);
            var ended = 0;
            foreach (var stream in await store.Events.FetchForWriting<Session>([.. rows.Select(row => row.Id)], ct))
            {
                if (Decide(stream.Aggregate, now) is not { } expired)
                    continue;
                stream.AppendOne(expired);
                ended++;
            }

            store.QueueSqlCommand("delete from sessions.mt_doc_one_time_token where expires_at <= ?", now);
            return ended;
        }
    }

    internal static SessionExpired? Decide(Session? session, DateTimeOffset now) =>
        session?.IsOver(now) == true ? new SessionExpired(session.Id, session.UserId, session.ExpiresAt, now) : null;
}
