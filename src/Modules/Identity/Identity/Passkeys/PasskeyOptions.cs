using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>The settings <c>Passkey:*</c>: for whom passkeys are made, and on which pages they may be used.</summary>
internal sealed class PasskeyOptions
{
    /// <summary>The domain that passkeys belong to; null: the host of the public address. Passkeys of another one do not work any more.</summary>
    public string? RpId { get; set; }

    /// <summary>What authenticators call the application; null: <c>Mail:AppName</c>, else the domain.</summary>
    public string? RpName { get; set; }

    /// <summary>Origins of pages and apps; none: our own and <c>Auth:TrustedOrigins</c>.</summary>
    public IReadOnlyList<string> Origins { get; set; } = [];

    public void Read(IConfiguration configuration)
    {
        RpId = configuration.GetValue<string>("Passkey:RpId") is { Length: > 0 } id ? id : null;
        RpName = configuration.GetValue<string>("Passkey:RpName") is { Length: > 0 } name ? name : null;
        var origins = configuration.GetSection("Passkey:Origins");
        Origins =
        [
            .. origins.GetChildren().Select(child => child.Value ?? "").Concat((origins.Value ?? "").Split(','))
                .Select(origin => origin.Trim()).Where(origin => origin.Length > 0),
        ];
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class PasskeyOptionsValidation : IValidateOptions<PasskeyOptions>
{
    public ValidateOptionsResult Validate(string? name, PasskeyOptions options)
    {
        if (options.RpId is { } id && (Uri.CheckHostName(id) != UriHostNameType.Dns || id.Any(char.IsUpper)))
            return ValidateOptionsResult.Fail($"Passkey:RpId must be a domain in lower case such as example.com, it is '{id}'.");
        return options.Origins.FirstOrDefault(origin => !IsOrigin(origin)) is { } wrong
            ? ValidateOptionsResult.Fail($"Passkey:Origins: '{wrong}' is not an origin such as https://app.example.com or android:apk-key-hash:….")
            : ValidateOptionsResult.Success;
    }

    // Compared letter by letter with what a browser or an app says of itself.
    private static bool IsOrigin(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url)
        && (url.Scheme is not ("http" or "https") || url.GetLeftPart(UriPartial.Authority) == text);
}
