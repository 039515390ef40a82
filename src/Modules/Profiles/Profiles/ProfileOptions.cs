using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Profiles;

/// <summary>The settings <c>Profiles:*</c>.</summary>
internal sealed class ProfileOptions
{
    /// <summary>Most bytes of a picture.</summary>
    public int MaxImageSize { get; set; } = 512 * 1024;

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Profiles");
        MaxImageSize = section.GetValue(nameof(MaxImageSize), MaxImageSize);
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class ProfileOptionsValidation : IValidateOptions<ProfileOptions>
{
    private const int Most = 16 * 1024 * 1024;

    public ValidateOptionsResult Validate(string? name, ProfileOptions options) => options.MaxImageSize is >= 1024 and <= Most
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail($"Profiles:MaxImageSize must be from 1024 to {Most} bytes, it is {options.MaxImageSize}.");
}
