using Microsoft.Extensions.Options;

namespace Modular.Host.Metrics;

/// <summary>The settings <c>Metrics:*</c>: who may read <c>/metrics</c>.</summary>
internal sealed class MetricsOptions
{
    /// <summary>False: nothing is measured, and nobody is answered.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>What a scraper shows as its bearer token. Without one only Development answers, and only this machine.</summary>
    public string? Token { get; set; }

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Metrics");
        Enabled = section.GetValue(nameof(Enabled), Enabled);
        Token = section.GetValue(nameof(Token), Token);
    }

    /// <summary>Whether anybody may read them.</summary>
    public bool IsOn(IHostEnvironment environment) => Enabled && (!string.IsNullOrEmpty(Token) || environment.IsDevelopment());
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class MetricsOptionsValidation : IValidateOptions<MetricsOptions>
{
    private const int ShortestToken = 16;

    public ValidateOptionsResult Validate(string? name, MetricsOptions options) => options.Token is { Length: > 0 and < ShortestToken }
        ? ValidateOptionsResult.Fail($"Metrics:Token must have at least {ShortestToken} characters, it has {options.Token.Length}.")
        : ValidateOptionsResult.Success;
}
