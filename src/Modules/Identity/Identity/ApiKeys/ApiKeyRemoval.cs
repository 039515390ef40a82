using Modular.Store;

namespace Modular.Identity;

/// <summary>Stages the end of every key of a user.</summary>
internal sealed class ApiKeyRemoval(IDocumentSession store) : IEndOfUser
{
    /// <summary>Where changes of how many keys a user has wait for one another.</summary>
    public const string Line = "select pg_advisory_xact_lock(hashtextextended('identity.api-keys/' || ?::text, 0))";

    public Task Stage(User user, DateTimeOffset now, CancellationToken ct) => Remove(user.Id, "user_deleted", now, ct);

    public async Task Remove(string userId, string reason, DateTimeOffset now, CancellationToken ct)
    {
        var keys = await store.QueryAsync<ApiKey>("where d.user_id = ?", ct, userId);
        foreach (var stream in await store.Events.FetchForWriting<ApiKey>([.. keys.Select(key => key.Id)], ct))
        {
            if (stream.Aggregate is { } key)
                stream.AppendOne(new ApiKeyDeleted(key.Id, userId, reason, now));
        }

        store.QueueSqlCommand(Line, userId);
        // One that was made meanwhile: then this runs again.
        store.QueueSqlCommand(
            0, "delete from identity.api_key_use where user_id = ? and id <> all(?)", userId, keys.Select(key => key.Id).ToArray());
        store.QueueSqlCommand("delete from identity.api_key_use where user_id = ?", userId);
    }
}
