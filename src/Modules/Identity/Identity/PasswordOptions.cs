using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>How much work a password is worth, and who does it: <c>Auth:PasswordIterations</c>, <c>Auth:PasswordThreads</c>.</summary>
internal sealed class PasswordOptions
{
    /// <summary>What OWASP asks of PBKDF2 with HMAC-SHA-512, and the least outside Development.</summary>
    public const int LeastIterations = 220_000;

    public const int ShortestPassword = 8;
    public const int LongestPassword = 128;

    public int Iterations { get; set; } = LeastIterations;

    /// <summary>
    /// Threads that hash, at nice 10. One core is left to everybody else: where a hash runs on each of them, the rest of the machine
    /// waits for whole turns of the scheduler, whatever the priority (docs/benchmarks.md has the figures).
    /// </summary>
    public int Threads { get; set; } = Math.Max(1, Environment.ProcessorCount - 1);

    /// <summary>Passwords that may wait per thread before a sign-in is answered 503: some seconds' worth.</summary>
    public int QueuePerThread { get; set; } = 64;

    public void Read(IConfiguration configuration)
    {
        Iterations = configuration.GetValue("Auth:PasswordIterations", Iterations);
        Threads = configuration.GetValue("Auth:PasswordThreads", Threads);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class PasswordOptionsValidation(IHostEnvironment environment) : IValidateOptions<PasswordOptions>
{
    public ValidateOptionsResult Validate(string? name, PasswordOptions options)
    {
        if (options.Threads is < 1 or > 256)
            return ValidateOptionsResult.Fail($"Auth:PasswordThreads must be from 1 to 256, it is {options.Threads}.");
        var least = environment.IsDevelopment() ? 1 : PasswordOptions.LeastIterations;
        return options.Iterations >= least
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"Auth:PasswordIterations must be at least {least}, it is {options.Iterations}.");
    }
}
