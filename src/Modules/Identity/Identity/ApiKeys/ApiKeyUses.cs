using System.Text.Json;
using Modular.Store;
using Npgsql;
using NpgsqlTypes;

namespace Modular.Identity;

/// <summary>How often a key was used, as far as that counts.</summary>
/// <param name="Remaining">Null: without an end.</param>
internal sealed record ApiKeyUse(long? Remaining, DateTimeOffset? LastRefillAt, long RequestCount, DateTimeOffset? LastRequest)
{
    public static ApiKeyUse Of(NpgsqlDataReader row, int at) => new(
        row.IsDBNull(at) ? null : row.GetInt64(at), Time(row, at + 1), row.GetInt64(at + 2), Time(row, at + 3));

    private static DateTimeOffset? Time(NpgsqlDataReader row, int at) => row.IsDBNull(at) ? null : row.GetFieldValue<DateTimeOffset>(at);
}

/// <summary>A key, its uses, and whom it belongs to.</summary>
internal sealed record KnownApiKey(ApiKey Key, ApiKeyUse Use, User Owner);

/// <summary>
/// Counts uses of keys, once for all nodes: the row's lock decides who is the last that may. Apart from the events, since
/// a use is none.
/// </summary>
internal sealed class ApiKeyUses(StoreDatabase database, TimeProvider clock)
{
    public const string Table = """
        create table {schema}.api_key_use (
            id text collate "C" primary key,
            user_id text collate "C" not null,
            remaining bigint,
            last_refill_at timestamptz,
            request_count bigint not null default 0,
            last_request timestamptz,
            told jsonb not null default '{}') with (fillfactor = 70);
        create index api_key_use_idx_user_id on {schema}.api_key_use (user_id);
        """;

    private const string Select = """
        select k.data, o.data, u.remaining, u.last_refill_at, u.request_count, u.last_request
        from identity.mt_doc_api_key k join identity.api_key_use u on u.id = k.id join identity.mt_doc_user o on o.id = k.user_id
        where k.key_hash = $1
        """;

    private const string SelectUses = "select id, remaining, last_refill_at, request_count, last_request from identity.api_key_use where user_id = $1";

    private const string Due = "$4 > 0 and $5 > 0 and $2 - coalesce(u.last_refill_at, $3) > $5 * interval '1 millisecond'";

    // $2 is now, $4 uses are given each $5 milliseconds, $6 whether there is a limit, of $8 uses in $7 milliseconds. What
    // else must hold of the key is asked again: it may have been disabled since it was read.
    private const string Claim = $"""
        update identity.api_key_use as u set
            remaining = case when u.remaining is null then null when {Due} then $4 - 1 else u.remaining - 1 end,
            last_refill_at = case when u.remaining is not null and {Due} then $2 else u.last_refill_at end,
            request_count = case when not $6 then u.request_count
                when u.last_request is null or u.last_request < $2 - $7 * interval '1 millisecond' then 1 else u.request_count + 1 end,
            last_request = greatest($2, u.last_request)
        where u.id = $1
            and (u.remaining is null or u.remaining > 0 or ({Due}))
            and (not $6 or u.last_request is null or u.last_request < $2 - $7 * interval '1 millisecond' or u.request_count < $8)
            and exists (select from identity.mt_doc_api_key k join identity.mt_doc_user o on o.id = k.user_id
                where k.id = $1 and k.enabled and (k.expires_at is null or k.expires_at > $2))
        returning u.remaining, u.last_refill_at, u.request_count, u.last_request
        """;

    // Of many refusals within a minute one is told, whichever node they are on.
    private const string Tell = """
        update identity.api_key_use set told = told || jsonb_build_object($2, extract(epoch from $3))
        where id = $1 and coalesce((told ->> $2)::numeric, 0) <= extract(epoch from $3) - 60
        """;

    /// <summary>The uses of each of a user's keys.</summary>
    public async Task<IReadOnlyDictionary<string, ApiKeyUse>> OfUser(string userId, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(SelectUses);
        command.Parameters.Add(Text(userId));
        await using var row = await command.ExecuteReaderAsync(ct);
        var uses = new Dictionary<string, ApiKeyUse>();
        while (await row.ReadAsync(ct))
            uses.Add(row.GetString(0), ApiKeyUse.Of(row, 1));
        return uses;
    }

    public async Task<KnownApiKey?> Find(string key, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(Select);
        command.Parameters.Add(Text(ApiKey.HashOf(key)));
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
            return null;
        var found = new KnownApiKey(Read<ApiKey>(row, 0), ApiKeyUse.Of(row, 2), Read<User>(row, 1));
        return found.Key.Opens(key) ? found : null;
    }

    /// <summary>Takes one use; null: there is none to be taken any more.</summary>
    public async Task<ApiKeyUse?> Take(ApiKey key)
    {
        await using var command = database.Pooled.CreateCommand(Claim);
        command.Parameters.Add(Text(key.Id));
        command.Parameters.Add(Time(User.Now(clock)));
        command.Parameters.Add(Time(key.CreatedAt));
        command.Parameters.Add(Number(key.RefillAmount ?? 0));
        command.Parameters.Add(Number(key.RefillInterval ?? 0));
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = key.RateLimitEnabled });
        command.Parameters.Add(Number(key.RateLimitTimeWindow));
        command.Parameters.Add(Number(key.RateLimitMax));
        // Counted even if the client has hung up by now.
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        return await row.ReadAsync(CancellationToken.None) ? ApiKeyUse.Of(row, 0) : null;
    }

    /// <summary>Whether a refusal of this kind is the first within a minute, so that whoever holds a key cannot fill the log.</summary>
    public async Task<bool> MayTell(string keyId, string reason, CancellationToken ct)
    {
        await using var command = database.Pooled.CreateCommand(Tell);
        command.Parameters.Add(Text(keyId));
        command.Parameters.Add(Text(reason));
        command.Parameters.Add(Time(clock.GetUtcNow()));
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    private static T Read<T>(NpgsqlDataReader row, int at) => JsonSerializer.Deserialize<T>(row.GetFieldValue<byte[]>(at), StoreJson.Options)!;

    private static NpgsqlParameter<string> Text(string text) => new() { TypedValue = text };

    private static NpgsqlParameter<long> Number(long number) => new() { TypedValue = number };

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset at) => new() { TypedValue = at.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
