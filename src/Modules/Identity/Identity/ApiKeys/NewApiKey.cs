using Microsoft.Extensions.Options;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>What is wished of a new key, checked already.</summary>
/// <param name="ExpiresIn">Seconds; null: it never expires.</param>
internal sealed record ApiKeyWish(
    string UserId,
    string? Name,
    string? Prefix,
    double? ExpiresIn,
    string? Metadata,
    IReadOnlyDictionary<string, IReadOnlyList<string>>? Permissions,
    long? Remaining,
    long? RefillAmount,
    long? RefillInterval,
    bool? RateLimitEnabled,
    long? RateLimitTimeWindow,
    long? RateLimitMax,
    string Reason);

/// <summary>Stages a key; of the key itself only a hash is stored.</summary>
internal sealed class NewApiKey(IDocumentSession store, ApiKeyUses uses, Refusals refusals, IOptions<ApiKeyOptions> options, TimeProvider clock)
{
    internal static readonly Refusal TooMany = Refusal.Forbidden("API_KEY_LIMIT_REACHED", "You have reached the maximum number of API keys");

    /// <summary>The key as its holder gets it, once; refused when the user is gone or has as many as anybody may have.</summary>
    public async Task<Outcome<WireApiKey>> Issue(ApiKeyWish wish, CancellationToken ct)
    {
        if (await store.LoadAsync<User>(wish.UserId, ct) is null)
            return ApiKeyRules.Unauthorized;
        var now = User.Now(clock);
        if ((await uses.OfUser(wish.UserId, ct)).Count >= options.Value.MaxPerUser)
        {
            refusals.Record($"api-keys:{wish.UserId}", new ApiKeyRefused(null, wish.UserId, "create", "api_key_limit_reached", now));
            return TooMany;
        }

        var text = ApiKey.Mint(wish.Prefix);
        var created = Decide(wish, text, options.Value, now);
        store.Events.StartStream<ApiKey>(created.KeyId, created);
        store.QueueSqlCommand(
            "insert into identity.api_key_use (id, user_id, remaining) values (?, ?, ?::bigint)", created.KeyId, created.UserId, created.Remaining);
        HoldUser(created);
        return ApiKey.Create(created).ToWire(new ApiKeyUse(created.Remaining, null, 0, null), text);
    }

    internal static ApiKeyCreated Decide(ApiKeyWish wish, string key, ApiKeyOptions options, DateTimeOffset now) => new(
        Guid.CreateVersion7(now).ToString("N"),
        wish.UserId,
        ApiKey.HashOf(key),
        wish.Name,
        wish.Prefix,
        ApiKey.StartOf(key),
        ApiKeyRules.Expiry(wish.ExpiresIn, now),
        wish.Metadata,
        wish.Permissions,
        wish.Remaining ?? wish.RefillAmount,
        wish.RefillAmount,
        wish.RefillInterval,
        wish.RateLimitEnabled ?? options.RateLimitMax > 0,
        wish.RateLimitTimeWindow ?? (long)options.RateLimitWindow.TotalMilliseconds,
        wish.RateLimitMax ?? options.RateLimitMax,
        wish.Reason,
        now);

    // One key of a user after the other, so that of two at the same time the second one counts the first. Whoever deletes
    // the user waits in the same line (ApiKeyRemoval).
    private void HoldUser(ApiKeyCreated created)
    {
        store.QueueSqlCommand(ApiKeyRemoval.Line, created.UserId);
        store.QueueSqlCommand(
            1,
            """
            update identity.api_key_use set id = id where id = ? and exists (select from identity.mt_doc_user where id = ?)
                and (select count(*) from identity.api_key_use where user_id = ?) <= ?
            """,
            created.KeyId, created.UserId, created.UserId, options.Value.MaxPerUser);
    }
}
