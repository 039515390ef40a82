using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Sessions;

/// <summary>The settings <c>Jwt:*</c>.</summary>
internal sealed class JwtOptions
{
    /// <summary>How long a token is good for.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    /// <summary>
    /// Every get-session of a signed-in user brings a token along. Off: signing one takes longer than the whole check
    /// of a session that is not in memory, and nearly nobody reads it.
    /// </summary>
    public bool OnGetSession { get; set; }

    /// <summary>Age from which a signing key is replaced.</summary>
    public TimeSpan RotateAfter { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How long the public half of a replaced key is still published.</summary>
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(1);

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Jwt");
        OnGetSession = section.GetValue(nameof(OnGetSession), OnGetSession);
        RotateAfter = section.GetValue(nameof(RotateAfter), RotateAfter);
        KeepFor = section.GetValue(nameof(KeepFor), KeepFor);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class JwtOptionsValidation : IValidateOptions<JwtOptions>
{
    private static readonly TimeSpan ShortestKeep = 2 * JwtOptions.Life;

    public ValidateOptionsResult Validate(string? name, JwtOptions options)
    {
        string?[] wrong =
        [
            options.RotateAfter < TimeSpan.FromHours(1) ? "Jwt:RotateAfter must be at least an hour." : null,
            options.KeepFor < ShortestKeep ? $"Jwt:KeepFor must be at least {ShortestKeep}, so that tokens outlive their key." : null,
        ];
        var failures = wrong.OfType<string>().ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
