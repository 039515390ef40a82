using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>
/// The settings <c>RateLimiting:*</c>. <c>RateLimiting:Rules:{path}:Window</c> and <c>:Max</c> change a limit; a path that
/// the table does not name gets one of its own, and is counted where the rule that held for it before was counted.
/// </summary>
public sealed class RateLimitOptions
{
    private static readonly TimeSpan LongestWindow = TimeSpan.FromDays(1);

    /// <summary>On outside Development.</summary>
    public bool Enabled { get; set; }

    internal IReadOnlyList<RateLimit> Rules { get; private set; } = RateLimit.Table;

    internal List<string> Mistakes { get; } = [];

    internal void Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var section = configuration.GetSection("RateLimiting");
        Enabled = section.GetValue(nameof(Enabled), !environment.IsDevelopment());
        var given = section.GetSection(nameof(Rules)).GetChildren().Select(Rule).ToList();
        Rules = [.. RateLimit.Table.ExceptBy(given.Select(rule => rule.Pattern), rule => rule.Pattern), .. given];
    }

    private RateLimit Rule(IConfigurationSection section)
    {
        var pattern = section.Key;
        if (!IsPattern(pattern))
            Mistakes.Add($"{section.Path}: '{pattern}' is no path such as /sign-in/email or /sign-in*, and not * for all others.");
        if (section.GetChildren().Select(child => child.Key).FirstOrDefault(key => !IsSetting(key)) is { } unknown)
            Mistakes.Add($"{section.Path}:{unknown} is no setting; a rule has Window and Max.");
        var before = RateLimit.For(pattern.TrimEnd('*'), RateLimit.Table);
        return before with { Pattern = pattern, Window = Window(section, before.Window), Max = Max(section, before.Max) };
    }

    private TimeSpan Window(IConfigurationSection section, TimeSpan otherwise)
    {
        if (section[nameof(RateLimit.Window)] is not { } text)
            return otherwise;
        if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var window) && window > TimeSpan.Zero && window <= LongestWindow)
            return window;
        Mistakes.Add($"{section.Path}:Window must be longer than zero and at most a day (0:00:10), it is '{text}'.");
        return otherwise;
    }

    private int Max(IConfigurationSection section, int otherwise)
    {
        if (section[nameof(RateLimit.Max)] is not { } text)
            return otherwise;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var max) && max is > 0 and < int.MaxValue)
            return max;
        Mistakes.Add($"{section.Path}:Max must be a number from 1, it is '{text}'.");
        return otherwise;
    }

    // An exact rule's own prefix is found by its name without the star: "/sign-in*" was the rule of "/sign-in".
    private static bool IsPattern(string pattern) =>
        pattern == RateLimit.Default.Pattern || (pattern.StartsWith('/') && !pattern[..^1].Contains('*', StringComparison.Ordinal));

    private static bool IsSetting(string key) =>
        key.Equals(nameof(RateLimit.Window), StringComparison.OrdinalIgnoreCase) || key.Equals(nameof(RateLimit.Max), StringComparison.OrdinalIgnoreCase);
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class RateLimitOptionsValidation : IValidateOptions<RateLimitOptions>
{
    public ValidateOptionsResult Validate(string? name, RateLimitOptions options) =>
        options.Mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(options.Mistakes);
}
