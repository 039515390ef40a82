using Modular.Store;
using Npgsql;

namespace Modular.Sessions;

/// <summary>Whether somebody may have a session, for whoever names them by their id alone.</summary>
internal sealed class SessionUsers(StoreDatabase database)
{
    /// <summary>Null: there is nobody of that id; true: they are banned.</summary>
    public async Task<bool?> IsBanned(string userId, DateTimeOffset now, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(
            "select banned and (ban_expires is null or ban_expires > $2) from identity.session_principal where id = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = userId });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        return (bool?)await command.ExecuteScalarAsync(ct);
    }

    /// <summary>
    /// Stages that the user is still there at the commit: whoever deletes them meanwhile has the row, and the loser runs again.
    /// </summary>
    public static void Hold(IDocumentSession store, string userId, string sessionId)
    {
        store.QueueSqlCommand("select 1 from identity.session_principal where id = ? for key share", userId);
        store.QueueSqlCommand(
            1,
            "update sessions.mt_doc_session set id = id where id = ? and exists (select 1 from identity.session_principal where id = ?)",
            sessionId, userId);
    }
}
