using System.Text.Json;
using Modular.Identity.Contracts;
using Modular.Store;
using Npgsql;

namespace Modular.Sessions;

/// <summary>
/// Where every check of a session reads: the session and its user, by one query, so that a check sees what is
/// committed. A table in memory (DESIGN §6) belongs in front of <see cref="Find"/> and nowhere else.
/// </summary>
internal sealed class SessionRows(StoreDatabase database)
{
    private const string Select = """
        select s.data, u.id, u.name, u.email, u.email_verified, u.image, u.created_at, u.updated_at, u.role, u.banned, u.ban_reason, u.ban_expires,
            u.two_factor_enabled, u.username, u.display_username, u.is_anonymous, u.email_verified_at
        from sessions.mt_doc_session s join identity.session_principal u on u.id = s.user_id
        where s.token_hash = $1
        """;

    /// <summary>Null when no session has that token. Says nothing about expiry or a ban.</summary>
    public async Task<LiveSession?> Find(SessionToken token, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(Select);
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = token.Hash });
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
            return null;
        var session = JsonSerializer.Deserialize<Session>(row.GetFieldValue<byte[]>(0), StoreJson.Options)!;
        return token.Opens(session) ? new LiveSession(token, session, User(row)) : null;
    }

    private static SessionPrincipal User(NpgsqlDataReader row) => new(
        row.GetString(1),
        row.GetString(2),
        row.GetString(3),
        row.GetBoolean(4),
        row.IsDBNull(5) ? null : row.GetString(5),
        row.GetFieldValue<DateTimeOffset>(6),
        row.GetFieldValue<DateTimeOffset>(7),
        row.GetString(8),
        row.GetBoolean(9),
        row.IsDBNull(10) ? null : row.GetString(10),
        row.IsDBNull(11) ? null : row.GetFieldValue<DateTimeOffset>(11),
        row.GetBoolean(12),
        row.IsDBNull(13) ? null : row.GetString(13),
        row.IsDBNull(14) ? null : row.GetString(14),
        row.GetBoolean(15),
        row.IsDBNull(16) ? null : row.GetFieldValue<DateTimeOffset>(16));
}
