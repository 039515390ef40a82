using Microsoft.AspNetCore.Http;
using Modular.Kernel;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Whether a key is good, and one use of it taken.
/// Refuses like Better Auth; where the key is known, an event of the running unit of work tells it, so whoever asks must
/// answer something that is committed.
/// </summary>
internal sealed class ApiKeyCheck(ApiKeyUses uses, IDocumentSession store, TimeProvider clock)
{
    internal static readonly Refusal Malformed = Refusal.Forbidden("INVALID_API_KEY", "Invalid API key.");
    internal static readonly Refusal Unknown = Refusal.Unauthorized("INVALID_API_KEY", "Invalid API key.");
    internal static readonly Refusal Disabled = Refusal.Unauthorized("KEY_DISABLED", "API Key is disabled");
    internal static readonly Refusal Expired = Refusal.Unauthorized("KEY_EXPIRED", "API Key has expired");
    internal static readonly Refusal OwnerBanned = Refusal.Unauthorized("USER_BANNED", "User is banned");
    internal static readonly Refusal NotPermitted = Refusal.Unauthorized("KEY_NOT_FOUND", "API Key not found");
    internal static readonly Refusal UsedUp = Refusal.Of(StatusCodes.Status429TooManyRequests, "USAGE_EXCEEDED", "API Key has reached its usage limit");

    private const int MostRuns = 5;

    public static bool IsLongEnough(string key) => key.Length is >= ApiKey.Letters and <= ApiKey.Letters + ApiKey.LongestPrefix;

    /// <param name="wanted">What the key has to permit; null: nothing in particular.</param>
    /// <param name="act">For the log: <c>use</c>, <c>verify</c>.</param>
    public async Task<Outcome<KnownApiKey>> Use(string key, Statements? wanted, string act, CancellationToken ct)
    {
        // Again only where somebody else took the use that this one had seen.
        for (var run = 1; run <= MostRuns; run++)
        {
            if (!IsLongEnough(key) || await uses.Find(key, ct) is not { } known)
                return Unknown;
            if (Decide(known, wanted, clock.GetUtcNow()) is { } refusal)
            {
                if (await uses.MayTell(known.Key.Id, refusal.Code, ct))
                {
                    store.Events.Append(
                        $"api-key-uses:{known.Key.Id}",
                        new ApiKeyRefused(known.Key.Id, known.Owner.Id, act, refusal.Code.ToLowerInvariant(), User.Now(clock)));
                }

                return refusal;
            }

            if (await uses.Take(known.Key) is { } use)
                return known with { Use = use };
        }

        return Refusal.Unavailable();
    }

    internal static Refusal? Decide(KnownApiKey known, Statements? wanted, DateTimeOffset now)
    {
        var (key, use, owner) = known;
        if (!key.Enabled)
            return Disabled;
        if (key.IsExpired(now))
            return Expired;
        if (owner.IsBanned(now))
            return OwnerBanned;
        if (wanted is not null && (key.Permissions is not { } permissions || !AccessControl.Grants([new Statements(permissions)], wanted)))
            return NotPermitted;
        if (use.Remaining <= 0 && !IsRefillDue(key, use, now))
            return UsedUp;
        return WaitOf(key, use, now) is { } wait ? TooOften(wait) : null;
    }

    private static bool IsRefillDue(ApiKey key, ApiKeyUse use, DateTimeOffset now) => key is { RefillAmount: > 0, RefillInterval: > 0 }
        && now - (use.LastRefillAt ?? key.CreatedAt) > TimeSpan.FromMilliseconds(key.RefillInterval.Value);

    // A window begins anew with the last use that counted, as Better Auth has it.
    private static TimeSpan? WaitOf(ApiKey key, ApiKeyUse use, DateTimeOffset now)
    {
        if (!key.RateLimitEnabled || use.LastRequest is not { } last || use.RequestCount < key.RateLimitMax)
            return null;
        var wait = last + TimeSpan.FromMilliseconds(key.RateLimitTimeWindow) - now;
        return wait >= TimeSpan.Zero ? wait : null;
    }

    private static Refusal TooOften(TimeSpan wait) =>
        Refusal.Of(StatusCodes.Status429TooManyRequests, "RATE_LIMITED", "Rate limit exceeded.") with { RetryAfter = wait };
}
