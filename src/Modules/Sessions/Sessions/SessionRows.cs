using System.Data;
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
    // A row of a version that had fewer columns has nothing in them, and is read from its document.
    private const string Select = """
        select s.id, s.user_id, s.handle, s.expires_at, s.remember, s.method, s.created_at, s.updated_at, s.ip_address, s.user_agent,
            s.impersonated_by, s.active_organization_id, s.active_team_id, case when s.created_at is null then s.data end,
            u.id, u.name, u.email, u.email_verified, u.image, u.created_at, u.updated_at, u.role, u.banned, u.ban_reason, u.ban_expires,
            u.two_factor_enabled, u.username, u.display_username, u.is_anonymous, u.email_verified_at
        from sessions.mt_doc_session s join identity.session_principal u on u.id = s.user_id
        where s.token_hash = $1
        """;

    private const int Document = 13;

    /// <summary>Null when no session has that token. Says nothing about expiry or a ban.</summary>
    public async Task<LiveSession?> Find(SessionToken token, CancellationToken ct)
    {
        try
        {
            return await Read(token, ct);
        }
        catch (NpgsqlException cut) when (Outage.WasReading(cut))
        {
            // In the middle of the row; another connection has it whole.
            return await Read(token, ct);
        }
    }

    private async Task<LiveSession?> Read(SessionToken token, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(Select);
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = token.Hash });
        await using var row = await command.ExecuteReaderAsync(CommandBehavior.SingleRow, ct);
        return await row.ReadAsync(ct) ? new LiveSession(token, SessionOf(row, token), UserOf(row, Document + 1)) : null;
    }

    private static Session SessionOf(NpgsqlDataReader row, SessionToken token) => row.IsDBNull(Document)
        ? new(
            row.GetString(0),
            row.GetString(1),
            token.HashText,
            row.GetString(2),
            row.GetBoolean(4),
            row.GetString(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.GetFieldValue<DateTimeOffset>(3),
            Text(row, 8),
            Text(row, 9),
            Text(row, 10),
            Text(row, 11),
            Text(row, 12))
        : JsonSerializer.Deserialize<Session>(row.GetFieldValue<byte[]>(Document), StoreJson.Options)!;

    private static SessionPrincipal UserOf(NpgsqlDataReader row, int at) => new(
        row.GetString(at),
        row.GetString(at + 1),
        row.GetString(at + 2),
        row.GetBoolean(at + 3),
        Text(row, at + 4),
        row.GetFieldValue<DateTimeOffset>(at + 5),
        row.GetFieldValue<DateTimeOffset>(at + 6),
        row.GetString(at + 7),
        row.GetBoolean(at + 8),
        Text(row, at + 9),
        row.IsDBNull(at + 10) ? null : row.GetFieldValue<DateTimeOffset>(at + 10),
        row.GetBoolean(at + 11),
        Text(row, at + 12),
        Text(row, at + 13),
        row.GetBoolean(at + 14),
        row.IsDBNull(at + 15) ? null : row.GetFieldValue<DateTimeOffset>(at + 15));

    private static string? Text(NpgsqlDataReader row, int at) => row.IsDBNull(at) ? null : row.GetString(at);
}
