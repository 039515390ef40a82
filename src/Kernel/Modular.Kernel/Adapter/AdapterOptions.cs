using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>The settings <c>Adapter:*</c>, of the routes an Auth.js adapter calls (<see cref="AdapterRoutes"/>).</summary>
public sealed class AdapterOptions
{
    /// <summary>What an application shows to be let in; null: the routes are off.</summary>
    public string? ApiKey { get; set; }

    /// <summary>The key before, still good while applications change theirs.</summary>
    public string? PreviousApiKey { get; set; }

    /// <summary>
    /// How long a user who was made by a sign-in that then broke off gives way to another try with the same address; zero:
    /// never.
    /// </summary>
    public TimeSpan RepairWindow { get; set; } = TimeSpan.FromMinutes(15);

    internal IReadOnlyList<byte[]> KeyHashes { get; private set; } = [];

    internal void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Adapter");
        ApiKey = Given(section.GetValue(nameof(ApiKey), ApiKey));
        PreviousApiKey = Given(section.GetValue(nameof(PreviousApiKey), PreviousApiKey));
        RepairWindow = section.GetValue(nameof(RepairWindow), RepairWindow);
        KeyHashes = [.. ((string?[])[ApiKey, PreviousApiKey]).OfType<string>().Select(key => SHA256.HashData(Encoding.UTF8.GetBytes(key)))];
    }

    private static string? Given(string? value) => string.IsNullOrEmpty(value) ? null : value;
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class AdapterOptionsValidation : IValidateOptions<AdapterOptions>
{
    private const int ShortestKey = 32;

    public ValidateOptionsResult Validate(string? name, AdapterOptions options)
    {
        string?[] wrong =
        [
            TooShort("Adapter:ApiKey", options.ApiKey),
            TooShort("Adapter:PreviousApiKey", options.PreviousApiKey),
            options.PreviousApiKey is not null && options.ApiKey is null
                ? "Adapter:PreviousApiKey is the key before Adapter:ApiKey, which is missing."
                : null,
            options.RepairWindow < TimeSpan.Zero ? "Adapter:RepairWindow must not be negative." : null,
        ];
        var failures = wrong.OfType<string>().ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static string? TooShort(string setting, string? key) =>
        key is { Length: < ShortestKey } ? $"{setting} must have at least {ShortestKey} characters, it has {key.Length}." : null;
}
