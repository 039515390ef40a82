using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// A user's key for programs. Known to its holder alone: a copy of the row opens nothing. How often it was used is
/// counted beside it, in <see cref="ApiKeyUses"/>.
/// </summary>
/// <param name="KeyHash">SHA-256 of the key, base64url.</param>
/// <param name="Start">Its first characters, so that a user knows one from another.</param>
/// <param name="Metadata">JSON; null: none.</param>
/// <param name="Permissions">What it may be used for, to whoever verifies it; null: nothing is said.</param>
/// <param name="RefillInterval">In milliseconds.</param>
/// <param name="RateLimitTimeWindow">In milliseconds.</param>
internal sealed record ApiKey(
    string Id,
    string UserId,
    string KeyHash,
    string? Name,
    string? Prefix,
    string Start,
    bool Enabled,
    DateTimeOffset? ExpiresAt,
    string? Metadata,
    IReadOnlyDictionary<string, IReadOnlyList<string>>? Permissions,
    long? RefillAmount,
    long? RefillInterval,
    bool RateLimitEnabled,
    long RateLimitTimeWindow,
    long RateLimitMax,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public const string HashIndex = "mt_doc_api_key_uidx_key_hash";

    /// <summary>How many letters follow the prefix: 364 bits.</summary>
    public const int Letters = 64;

    public const int LongestPrefix = 32;

    private const int StartLength = 6;

    public bool IsExpired(DateTimeOffset now) => ExpiresAt <= now;

    public bool Opens(string key) => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(KeyHash), Encoding.ASCII.GetBytes(HashOf(key)));

    public static string Mint(string? prefix) =>
        prefix + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", Letters);

    public static string HashOf(string key) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    public static string StartOf(string key) => key[..StartLength];

    public static ApiKey Create(ApiKeyCreated e) => new(
        e.KeyId, e.UserId, e.KeyHash, e.Name, e.Prefix, e.Start ?? "", Enabled: true, e.ExpiresAt, e.Metadata, e.Permissions, e.RefillAmount,
        e.RefillInterval, e.RateLimitEnabled, e.RateLimitTimeWindow, e.RateLimitMax, e.At, e.At);

    // UpdatedAt moves with uses, not with changes: so does upstream's.
    public ApiKey Apply(ApiKeyUpdated e) => this with
    {
        Name = e.Changed.Contains(ApiKeyUpdated.NameMember) ? e.Name : Name,
        Enabled = e.Enabled ?? Enabled,
        ExpiresAt = e.Changed.Contains(ApiKeyUpdated.ExpiresAtMember) ? e.ExpiresAt : ExpiresAt,
        Metadata = e.Changed.Contains(ApiKeyUpdated.MetadataMember) ? e.Metadata : Metadata,
    };

    public bool ShouldDelete(ApiKeyDeleted e) => e.KeyId == Id;

    /// <summary>As the wire shows it, with the key itself only to whoever has just made it.</summary>
    public WireApiKey ToWire(ApiKeyUse use, string? key = null) => new(
        "default", Name, Start, UserId, Prefix, key, RefillInterval, RefillAmount, use.LastRefillAt, Enabled, RateLimitEnabled, RateLimitTimeWindow,
        RateLimitMax, use.RequestCount, use.Remaining, use.LastRequest, ExpiresAt, CreatedAt, use.LastRequest > UpdatedAt ? use.LastRequest.Value : UpdatedAt,
        Permissions, Metadata is null ? null : JsonElement.Parse(Metadata), Id);
}

/// <param name="Remaining">How often it may be used before it is refilled; null: without an end.</param>
internal sealed record ApiKeyCreated(
    string KeyId,
    string UserId,
    string KeyHash,
    [PersonalData] string? Name,
    [PersonalData] string? Prefix,
    [PersonalData] string? Start,
    DateTimeOffset? ExpiresAt,
    [PersonalData] string? Metadata,
    IReadOnlyDictionary<string, IReadOnlyList<string>>? Permissions,
    long? Remaining,
    long? RefillAmount,
    long? RefillInterval,
    bool RateLimitEnabled,
    long RateLimitTimeWindow,
    long RateLimitMax,
    string Reason,
    DateTimeOffset At)
{
    /// <summary>The user made it.</summary>
    public const string ByUser = "self";

    /// <summary>A program that holds the verifier's key did.</summary>
    public const string ByVerifier = "verifier";
}

/// <param name="Changed">Which members were changed; a member that is not among them is null here.</param>
internal sealed record ApiKeyUpdated(
    string KeyId,
    string UserId,
    IReadOnlyList<string> Changed,
    [PersonalData] string? Name,
    bool? Enabled,
    DateTimeOffset? ExpiresAt,
    [PersonalData] string? Metadata,
    DateTimeOffset At)
{
    public const string NameMember = "name";
    public const string EnabledMember = "enabled";
    public const string ExpiresAtMember = "expiresAt";
    public const string MetadataMember = "metadata";
}

/// <param name="Reason"><c>self</c>, <c>user_deleted</c>.</param>
internal sealed record ApiKeyDeleted(string KeyId, string UserId, string Reason, DateTimeOffset At);

/// <summary>A key was not good for what was asked, or was not the asker's to change. Of uses at most one a minute, for each key and reason.</summary>
/// <param name="KeyId">Null: there is none yet.</param>
/// <param name="UserId">Whose key it is.</param>
/// <param name="Act"><c>create</c>, <c>read</c>, <c>update</c>, <c>delete</c>, <c>use</c>, <c>verify</c>.</param>
internal sealed record ApiKeyRefused(string? KeyId, string UserId, string Act, string Reason, DateTimeOffset At);
