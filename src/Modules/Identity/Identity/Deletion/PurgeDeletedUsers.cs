using MediatR;
using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>
/// The rows of users who were deleted longer than <c>Identity:PurgeAfter</c> ago go from <c>neon_auth.users_sync</c>, and what
/// applications hang on them goes along; every hour, in short commits. Answers how many went.
/// </summary>
internal static class PurgeDeletedUsers
{
    /// <param name="AtMost">Few: nobody knows how much hangs on each.</param>
    internal sealed record Command(int AtMost = 20) : IRequest<int>, IIdempotent;

    internal sealed class Handler(IDocumentSession store, StoreDatabase database, IOptions<DeletionOptions> options, TimeProvider clock)
        : IRequestHandler<Command, int>
    {
        // A row that was made by hand has no stream, and is nobody's to remove; one that an application has marked is of somebody who lives.
        private const string Due = """
            select u.id, u.deleted_at from neon_auth.users_sync u
            where u.deleted_at <= $1 and exists (select from identity.mt_streams s where s.id = u.id)
                and not exists (select from identity.mt_doc_user d where d.id = u.id)
            order by u.deleted_at limit $2
            """;

        public async Task<int> Handle(Command command, CancellationToken ct)
        {
            var now = User.Now(clock);
            var due = new Dictionary<string, DateTimeOffset>();
            await using (var query = database.Pooled.CreateCommand(Due))
            {
                query.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now - options.Value.PurgeAfter });
                query.Parameters.Add(new NpgsqlParameter<int> { TypedValue = command.AtMost });
                await using var rows = await query.ExecuteReaderAsync(ct);
                while (await rows.ReadAsync(ct))
                    due.Add(rows.GetString(0), rows.GetFieldValue<DateTimeOffset>(1));
            }

            // At the version that was read: a second node finds it moved.
            foreach (var stream in await store.Events.FetchForWriting<User>(due.Keys, ct))
                stream.AppendOne(new UserPurged(stream.Key, due[stream.Key], now));
            return due.Count;
        }
    }
}
