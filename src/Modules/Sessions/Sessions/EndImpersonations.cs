using MediatR;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>Another module ends what a user does as another, and what another does as them (<see cref="Contracts.EndImpersonations"/>).</summary>
internal static class EndImpersonations
{
    internal sealed class Handler(IDocumentSession store, TimeProvider clock) : IRequestHandler<Contracts.EndImpersonations, int>
    {
        public async Task<int> Handle(Contracts.EndImpersonations command, CancellationToken ct)
        {
            var (rows, now) = (await store.QueryAsync<Session>(
                "where d.impersonated_by = ? or (d.user_id = ? and d.impersonated_by is not null)", ct, command.UserId, command.UserId), clock.GetUtcNow());
            var ended = 0;
            foreach (var stream in await store.Events.FetchForWriting<Session>([.. rows.Select(row => row.Id)], ct))
            {
                if (stream.Aggregate?.Revoke(command.Reason, now) is not { } revoked)
                    continue;
                stream.AppendOne(revoked);
                ended++;
            }

            // One that has begun since it was asked for: the commit finds it, and this runs again.
            store.QueueSqlCommand(0, "update sessions.mt_doc_session set id = id where impersonated_by = ?", command.UserId);
            return ended;
        }
    }
}
