using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Modular.Identity;

/// <summary>The settings <c>Clerk:*</c>. Without a secret there is no such endpoint.</summary>
internal sealed class ClerkOptions
{
    public const int ShortestKey = 16;

    private const string Prefix = "whsec_";

    /// <summary>The endpoint's signing secret as Clerk shows it, <c>whsec_…</c>; null: off.</summary>
    public string? WebhookSecret { get; set; }

    /// <summary>The one before it, accepted while Clerk is given the new one.</summary>
    public string? PreviousWebhookSecret { get; set; }

    public bool IsOn => WebhookSecret is not null;

    /// <summary>What signatures are made with; empty where the feature is off.</summary>
    public IReadOnlyList<byte[]> Keys { get; private set; } = [];

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Clerk");
        WebhookSecret = section.GetValue(nameof(WebhookSecret), WebhookSecret) is { Length: > 0 } secret ? secret : null;
        PreviousWebhookSecret = section.GetValue(nameof(PreviousWebhookSecret), PreviousWebhookSecret) is { Length: > 0 } previous ? previous : null;
        Keys = WebhookSecret is null ? [] : [.. new[] { KeyOf(WebhookSecret), KeyOf(PreviousWebhookSecret) }.OfType<byte[]>()];
    }

    /// <summary>The bytes of a secret; null when it is none.</summary>
    public static byte[]? KeyOf(string? secret)
    {
        if (secret is null)
            return null;
        var text = secret.StartsWith(Prefix, StringComparison.Ordinal) ? secret[Prefix.Length..] : secret;
        var key = new byte[text.Length];
        return Convert.TryFromBase64String(text, key, out var length) && length >= ShortestKey ? key[..length] : null;
    }
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class ClerkOptionsValidation : IValidateOptions<ClerkOptions>
{
    public ValidateOptionsResult Validate(string? name, ClerkOptions options)
    {
        const string Wrong = "must be a signing secret as Clerk shows it: whsec_ and base64 of at least 16 bytes.";
        if (options.WebhookSecret is not null && ClerkOptions.KeyOf(options.WebhookSecret) is null)
            return ValidateOptionsResult.Fail($"Clerk:WebhookSecret {Wrong}");
        return options.PreviousWebhookSecret is not null && ClerkOptions.KeyOf(options.PreviousWebhookSecret) is null
            ? ValidateOptionsResult.Fail($"Clerk:PreviousWebhookSecret {Wrong}")
            : ValidateOptionsResult.Success;
    }
}
