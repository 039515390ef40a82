using Modular.Store;
using Npgsql;

namespace Modular.Identity;

/// <summary>How far a user of Clerk is known here.</summary>
/// <param name="Revision">Of the row; 0: there is none.</param>
internal sealed record ClerkVersion(string UserId, long UpdatedAt, long SentAt, bool IsDeleted, long Revision)
{
    public bool IsOlderThan(ClerkEvent change) => (UpdatedAt, SentAt).CompareTo((change.UpdatedAt, change.SentAt)) < 0;
}

/// <summary>
/// Which messages were taken, and the newest version of each user of Clerk that was; written in the transaction of what the
/// message brings about. A deleted user stays in it, so that nothing that comes late makes them again.
/// </summary>
internal sealed class ClerkLedger(IDocumentSession store, StoreDatabase database, TimeProvider clock)
{
    /// <summary>How long an id is remembered: beyond the window in which a signature is good, by a day.</summary>
    public static readonly TimeSpan Kept = SvixSignature.Window + TimeSpan.FromDays(1);

    public const string Tables = """
        create table {schema}.clerk_messages (id text collate "C" primary key, received_at timestamptz not null);
        create index clerk_messages_idx_received_at on {schema}.clerk_messages (received_at);
        create table {schema}.clerk_users (
            id text collate "C" primary key,
            updated_at bigint not null,
            sent_at bigint not null,
            is_deleted boolean not null,
            revision bigint not null);
        """;

    /// <summary>Whether the message was taken, and what is known of its user.</summary>
    public async Task<(bool IsTaken, ClerkVersion Version)> Find(string messageId, string userId, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand("""
            select exists (select 1 from identity.clerk_messages where id = $1), u.updated_at, u.sent_at, u.is_deleted, u.revision
            from (select 1) one left join identity.clerk_users u on u.id = $2
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = messageId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = userId });
        await using var rows = await command.ExecuteReaderAsync(ct);
        await rows.ReadAsync(ct);
        var version = await rows.IsDBNullAsync(1, ct)
            ? new ClerkVersion(userId, 0, 0, IsDeleted: false, Revision: 0)
            : new ClerkVersion(userId, rows.GetInt64(1), rows.GetInt64(2), rows.GetBoolean(3), rows.GetInt64(4));
        return (rows.GetBoolean(0), version);
    }

    /// <summary>
    /// Stages that a message is taken, and its version. Of one message twice, or of two about one user at once, the second
    /// fails with a <see cref="ConcurrencyException"/>, and run again finds what the first one left.
    /// </summary>
    public void Take(string messageId, ClerkVersion found, ClerkEvent change)
    {
        TakeOnly(messageId);
        store.QueueSqlCommand(
            1,
            """
            insert into identity.clerk_users as u (id, updated_at, sent_at, is_deleted, revision) values (?, ?, ?, ?, 1)
            on conflict (id) do update set updated_at = excluded.updated_at, sent_at = excluded.sent_at, is_deleted = excluded.is_deleted, revision = u.revision + 1
            where u.revision = ?
            """,
            change.UserId, Math.Max(found.UpdatedAt, change.UpdatedAt), change.SentAt, change.User is null, found.Revision);
    }

    /// <summary>Stages that a message which changes nothing is taken.</summary>
    public void TakeOnly(string messageId) => store.QueueSqlCommand(
        1, "insert into identity.clerk_messages (id, received_at) values (?, ?) on conflict (id) do nothing", messageId, clock.GetUtcNow());

    /// <summary>Forgets messages that nobody can send again; in short commits, and several nodes at once do no harm.</summary>
    public static async Task<int> Sweep(StoreDatabase database, DateTimeOffset now, CancellationToken ct)
    {
        const int Chunk = 1000;
        for (var removed = 0; ;)
        {
            await using var command = database.Pooled.CreateCommand($"""
                delete from identity.clerk_messages where id = any (array(
                    select id from identity.clerk_messages where received_at < $1 limit {Chunk} for update skip locked))
                """);
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now - Kept });
            var last = await command.ExecuteNonQueryAsync(ct);
            removed += last;
            if (last < Chunk)
                return removed;
        }
    }
}
