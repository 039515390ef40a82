using Modular.Identity.Contracts;
using Modular.Messaging;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Audit;

/// <summary>
/// A user is gone: what <c>audit.search</c> shows of them is made again from the entries, which their key no longer
/// opens. The entries stay as they are, and so does every proof over them (DESIGN §7, "Erasure").
/// </summary>
internal static class ForgetDeletedUser
{
    // Another node remembers a key for a minute at most (SubjectKeys), and may have sealed with it until then.
    private static readonly TimeSpan SecondLook = TimeSpan.FromMinutes(2);

    private const int PageEntries = 500;

    internal sealed class Handler(StoreDatabase database, SubjectKeys keys, CanonicalEvents events, IMessageBus bus)
    {
        public async Task Handle(UserDeleted message, CancellationToken ct)
        {
            await Forget(message.UserId, ct);
            await bus.ScheduleAsync(new SubjectForgotten(message.UserId), SecondLook);
        }

        public Task Handle(SubjectForgotten message, CancellationToken ct) => Forget(message.UserId, ct);

        // Page by page, each its own commit: somebody who signed in for years has many entries. Doing it twice does no harm.
        private async Task Forget(string subject, CancellationToken ct)
        {
            keys.Forget(subject);
            for (var after = -1L; await Page(subject, after, ct) is { Count: > 0 } rows; after = rows[^1].Position)
                await Rewrite(rows, ct);
        }

        private async Task<IReadOnlyList<SearchRow>> Page(string subject, long after, CancellationToken ct)
        {
            await using var command = database.Pooled.CreateCommand($"""
                select e.position, e.canonical from audit.entries e
                where e.position in (
                    select position from audit.search where subject = $1 and position > $2
                    union select position from audit.search where actor = $1 and position > $2
                    order by position limit {PageEntries})
                order by e.position
                """);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = subject });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
            return await SearchRow.Read(command, events, ct);
        }

        private async Task Rewrite(IReadOnlyList<SearchRow> rows, CancellationToken ct)
        {
            await using var command = database.Pooled.CreateCommand("""
                update audit.search s set ip = r.ip::inet, user_agent = r.user_agent, words = r.words
                from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as r (position, ip, user_agent, words)
                where s.position = r.position
                """);
            command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(row => row.Position).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
            foreach (var column in (Func<SearchRow, string?>[])[row => row.Ip, row => row.UserAgent, row => row.Words])
                command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(column).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
            await command.ExecuteNonQueryAsync(ct);
        }
    }
}

/// <summary>Another look at what is kept of somebody who is gone.</summary>
internal sealed record SubjectForgotten(string UserId);
