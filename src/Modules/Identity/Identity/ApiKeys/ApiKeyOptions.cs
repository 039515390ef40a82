using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>The settings <c>ApiKeys:*</c>.</summary>
internal sealed class ApiKeyOptions
{
    public const int ShortestVerifierKey = 32;

    /// <summary>Whether the header <c>x-api-key</c> acts as a session of the key's owner.</summary>
    public bool ActAsSession { get; set; }

    /// <summary>The secret of programs that verify and issue keys; null: nobody does.</summary>
    public string? VerifierKey { get; set; }

    public int MaxPerUser { get; set; } = 100;

    /// <summary>How often a new key may be used within <see cref="RateLimitWindow"/>; 0: without a limit.</summary>
    public long RateLimitMax { get; set; } = 10;

    public TimeSpan RateLimitWindow { get; set; } = TimeSpan.FromDays(1);

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("ApiKeys");
        ActAsSession = section.GetValue(nameof(ActAsSession), ActAsSession);
        VerifierKey = section.GetValue(nameof(VerifierKey), VerifierKey) is { Length: > 0 } key ? key : null;
        MaxPerUser = section.GetValue(nameof(MaxPerUser), MaxPerUser);
        RateLimitMax = section.GetValue(nameof(RateLimitMax), RateLimitMax);
        RateLimitWindow = section.GetValue(nameof(RateLimitWindow), RateLimitWindow);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class ApiKeyOptionsValidation : IValidateOptions<ApiKeyOptions>
{
    public ValidateOptionsResult Validate(string? name, ApiKeyOptions options) => options switch
    {
        { VerifierKey.Length: < ApiKeyOptions.ShortestVerifierKey } => ValidateOptionsResult.Fail(
            $"ApiKeys:VerifierKey must have at least {ApiKeyOptions.ShortestVerifierKey} characters."),
        { MaxPerUser: < 1 or > 1000 } => ValidateOptionsResult.Fail("ApiKeys:MaxPerUser must be 1 to 1000."),
        { RateLimitMax: < 0 } => ValidateOptionsResult.Fail("ApiKeys:RateLimitMax must not be negative."),
        _ when options.RateLimitWindow <= TimeSpan.Zero || options.RateLimitWindow > ApiKeyRules.LongestTime => ValidateOptionsResult.Fail(
            "ApiKeys:RateLimitWindow must be longer than zero and at most ten years."),
        _ => ValidateOptionsResult.Success,
    };
}
