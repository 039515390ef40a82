using Modular.Store;

namespace Modular.Sessions;

/// <summary>When each user last signed in: a row that outlives the session, written with it.</summary>
internal static class LastSignIn
{
    // Of sessions that are there already; those that have ended are not looked for.
    public const string Table = """
        create table {schema}.last_sign_ins (
            user_id text collate "C" primary key,
            at timestamptz not null);
        insert into {schema}.last_sign_ins (user_id, at)
        select user_id, max((data ->> 'createdAt')::timestamptz) from {schema}.mt_doc_session where impersonated_by is null group by user_id;
        """;

    /// <summary>Somebody who acts as the user is not the user.</summary>
    public static void Stage(IDocumentSession store, SessionStarted started)
    {
        if (started.ImpersonatedBy is null)
        {
            store.QueueSqlCommand(
                "insert into sessions.last_sign_ins as l (user_id, at) values (?, ?) on conflict (user_id) do update set at = excluded.at where l.at < excluded.at",
                started.UserId, started.At);
        }
    }

    public static void Forget(IDocumentSession store, string userId) =>
        store.QueueSqlCommand("delete from sessions.last_sign_ins where user_id = ?", userId);
}
