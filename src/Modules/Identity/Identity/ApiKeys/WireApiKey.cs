using System.Text.Json;
using System.Text.Json.Serialization;

namespace Modular.Identity;

/// <summary>A key as the wire has it: contract §7.11.</summary>
/// <param name="Key">Only in the answer of the one who made it.</param>
internal sealed record WireApiKey(
    string ConfigId,
    string? Name,
    string Start,
    string ReferenceId,
    string? Prefix,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Key,
    long? RefillInterval,
    long? RefillAmount,
    DateTimeOffset? LastRefillAt,
    bool Enabled,
    bool RateLimitEnabled,
    long RateLimitTimeWindow,
    long RateLimitMax,
    long RequestCount,
    long? Remaining,
    DateTimeOffset? LastRequest,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    IReadOnlyDictionary<string, IReadOnlyList<string>>? Permissions,
    JsonElement? Metadata,
    string Id);
