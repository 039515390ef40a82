using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>How often a password may be guessed wrong: <c>RateLimiting:Passwords:*</c>.</summary>
internal sealed class GuessLimitOptions
{
    public bool Enabled { get; set; }

    /// <summary>Failures in a row that make nobody wait.</summary>
    public int FreeFailures { get; set; } = 10;

    /// <summary>Failures in a row after which there is no further guess; NIST SP 800-63B allows 100.</summary>
    public int MaxFailures { get; set; } = 100;

    /// <summary>The first wait; each further one is twice as long.</summary>
    public TimeSpan FirstWait { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan LongestWait { get; set; } = TimeSpan.FromHours(1);

    /// <summary>For how long failures are counted together after the last one, and an address is known after the last right password.</summary>
    public TimeSpan Memory { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long to wait after one failure, after two, and so on; after the last, until it is forgotten.</summary>
    public TimeSpan[] Waits => [.. Enumerable.Range(1, MaxFailures).Select(WaitAfter)];

    public void Read(IConfiguration configuration, RateLimitOptions limits)
    {
        Enabled = limits.Enabled;
        FreeFailures = configuration.GetValue("RateLimiting:Passwords:FreeFailures", FreeFailures);
        MaxFailures = configuration.GetValue("RateLimiting:Passwords:MaxFailures", MaxFailures);
        FirstWait = configuration.GetValue("RateLimiting:Passwords:FirstWait", FirstWait);
        LongestWait = configuration.GetValue("RateLimiting:Passwords:LongestWait", LongestWait);
        Memory = configuration.GetValue("RateLimiting:Passwords:Memory", Memory);
    }

    private TimeSpan WaitAfter(int failures)
    {
        if (failures >= MaxFailures)
            return Memory;
        if (failures < FreeFailures)
            return TimeSpan.Zero;
        var wait = FirstWait.TotalSeconds * Math.Pow(2, failures - FreeFailures);
        return wait < LongestWait.TotalSeconds ? TimeSpan.FromSeconds(wait) : LongestWait;
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class GuessLimitOptionsValidation : IValidateOptions<GuessLimitOptions>
{
    private static readonly TimeSpan LongestMemory = TimeSpan.FromDays(3_650);

    public ValidateOptionsResult Validate(string? name, GuessLimitOptions options)
    {
        string?[] wrong =
        [
            options.FreeFailures < 1 ? "RateLimiting:Passwords:FreeFailures must be at least 1." : null,
            options.MaxFailures < options.FreeFailures || options.MaxFailures > 10_000
                ? "RateLimiting:Passwords:MaxFailures must not be less than RateLimiting:Passwords:FreeFailures, nor more than 10000." : null,
            options.FirstWait <= TimeSpan.Zero ? "RateLimiting:Passwords:FirstWait must be longer than zero." : null,
            options.LongestWait < options.FirstWait ? "RateLimiting:Passwords:LongestWait must not be shorter than RateLimiting:Passwords:FirstWait." : null,
            options.Memory <= options.LongestWait || options.Memory > LongestMemory
                ? "RateLimiting:Passwords:Memory must be longer than RateLimiting:Passwords:LongestWait, and at most ten years." : null,
        ];
        var failures = wrong.OfType<string>().ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
