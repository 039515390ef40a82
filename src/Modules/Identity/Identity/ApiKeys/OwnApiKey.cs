using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>A key by its id, for its owner alone: somebody else's is as good as none, and asking for it is an event.</summary>
internal sealed class OwnApiKey(IDocumentSession store, Refusals refusals, TimeProvider clock)
{
    public async Task<Outcome<ApiKey>> Find(string userId, string keyId, string act, CancellationToken ct) =>
        Check(await store.LoadAsync<ApiKey>(keyId, ct), userId, act);

    public async Task<Outcome<IEventStream<ApiKey>>> FindForWriting(string userId, string keyId, string act, CancellationToken ct)
    {
        // Not by any text a client may think of: of an unknown key there is no stream.
        if (await store.LoadAsync<ApiKey>(keyId, ct) is null)
            return ApiKeyRules.NotFound;
        var stream = await store.Events.FetchForWriting<ApiKey>(keyId, ct);
        return Check(stream.Aggregate, userId, act).Refusal is { } refusal ? refusal : Outcome.Of(stream);
    }

    private Outcome<ApiKey> Check(ApiKey? key, string userId, string act)
    {
        if (key?.UserId == userId)
            return key;
        if (key is not null)
            refusals.Record($"api-keys:{key.UserId}", new ApiKeyRefused(key.Id, key.UserId, act, "not_own_key", User.Now(clock)));
        return ApiKeyRules.NotFound;
    }
}
