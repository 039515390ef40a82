using MediatR;
using Modular.Messaging;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>
/// The operator ends everybody's sessions: <c>sessions revoke --all</c>. An event per session, as when its owner ends it: so
/// every node hears of it, whoever asks later who was signed in gets the right answer, and what is done is done when
/// somebody stops it half way.
/// </summary>
internal static class RevokeAllSessions
{
    internal const string Reason = "revoked_by_operator";

    internal sealed class Handler(IDocumentSession store, IMessageBus bus, TimeProvider clock) : IRequestHandler<Contracts.RevokeAllSessions, int>
    {
        public async Task<int> Handle(Contracts.RevokeAllSessions command, CancellationToken ct)
        {
            var now = clock.GetUtcNow();
            var rows = await store.QueryAsync<Session>("where d.created_at < ? order by d.id limit ?", ct, command.Before, command.AtMost);
            var ended = new HashSet<string>();
            foreach (var stream in await store.Events.FetchForWriting<Session>([.. rows.Select(row => row.Id)], ct))
            {
                if (Decide(stream.Aggregate, now) is not { } @event)
                    continue;
                stream.AppendOne(@event);
                if (@event is SessionRevoked revoked)
                    ended.Add(revoked.UserId);
            }

            foreach (var userId in ended)
                await bus.PublishAsync(new Contracts.SessionsRevoked(userId, now));
            return rows.Count;
        }
    }

    /// <summary>One that ran out of time before was not revoked, and is not said to have been.</summary>
    internal static object? Decide(Session? session, DateTimeOffset now) =>
        session?.IsOver(now) == true ? new SessionExpired(session.Id, session.UserId, session.ExpiresAt, now) : session?.Revoke(Reason, now);
}
