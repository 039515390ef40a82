using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Modular.Audit;

/// <summary>Where entries are pushed to: <c>Audit:Sinks:{name}</c>. See docs/audit.md.</summary>
internal sealed class SinkOptions
{
    public const string JsonFormat = "json";
    public const string CloudEventsFormat = "cloudevents";

    public string Url { get; set; } = "";

    /// <summary><c>whsec_</c> and base64 of 24 to 64 bytes, as Standard Webhooks has it.</summary>
    public string Secret { get; set; } = "";

    /// <summary>The one before it: batches are signed with both while the receiver is given the new one.</summary>
    public string? PreviousSecret { get; set; }

    public string Format { get; set; } = JsonFormat;

    /// <summary>Only entries of these modules, separated by commas.</summary>
    public string? Module { get; set; }

    /// <summary>Only entries of these types, separated by commas; <c>session.*</c> is a prefix.</summary>
    public string? Type { get; set; }

    /// <summary>Addresses, agents and what else is under people's keys goes along in clear: a copy that nobody can erase.</summary>
    public bool IncludePersonalData { get; set; }

    /// <summary>Private and loopback addresses are not refused.</summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>Whether a new sink begins with what is added from then on, instead of with the first entry.</summary>
    public bool FromNow { get; set; }

    /// <summary>At most so many entries in one request.</summary>
    public int BatchSize { get; set; } = 100;

    /// <summary>How long a request may take altogether.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The bytes of a secret; null when it is none.</summary>
    public static byte[]? KeyOf(string? secret)
    {
        const string Prefix = "whsec_";
        if (secret?.StartsWith(Prefix, StringComparison.Ordinal) != true)
            return null;
        var key = new byte[secret.Length];
        return Convert.TryFromBase64String(secret[Prefix.Length..], key, out var length) && length is >= 24 and <= 64 ? key[..length] : null;
    }

    /// <summary>Whether an entry is wanted.</summary>
    public bool Wants(string module, string type) => IsAmong(Module, module) && IsAmong(Type, type);

    private static bool IsAmong(string? wanted, string value) => string.IsNullOrWhiteSpace(wanted)
        || wanted.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Any(pattern => pattern.EndsWith('*') ? value.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == value);
}

/// <summary>Every sink by its name.</summary>
internal sealed partial class SinksOptions
{
    public Dictionary<string, SinkOptions> All { get; } = new(StringComparer.Ordinal);

    public void Read(IConfiguration configuration)
    {
        var sinks = configuration.GetSection("Audit:Sinks");
        try
        {
            foreach (var sink in sinks.GetChildren())
                All[sink.Key] = sink.Get<SinkOptions>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException wrong)
        {
            // The binder names what it does not know or cannot read; of whose is in the path or here.
            throw new OptionsValidationException("Audit", typeof(SinksOptions), [$"{sinks.Path}: {wrong.Message}"]);
        }
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]{0,49}\z", RegexOptions.CultureInvariant)]
    internal static partial Regex Name();
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class SinksOptionsValidation(IHostEnvironment environment) : IValidateOptions<SinksOptions>
{
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(2);

    public ValidateOptionsResult Validate(string? name, SinksOptions options)
    {
        var failures = options.All.SelectMany(sink => Failures(sink.Key, sink.Value)).ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private IEnumerable<string> Failures(string name, SinkOptions sink)
    {
        var key = $"Audit:Sinks:{name}";
        if (!SinksOptions.Name().IsMatch(name))
            yield return $"{key}: a name has lower-case letters, digits, - and _, at most 50.";
        if (!Uri.TryCreate(sink.Url, UriKind.Absolute, out var url) || !IsSafe(url))
            yield return $"{key}:Url must be an https address (in Development also http on this machine), without a user in it.";
        if (SinkOptions.KeyOf(sink.Secret) is null)
            yield return $"{key}:Secret must be whsec_ and base64 of 24 to 64 bytes.";
        if (sink.PreviousSecret is not null && SinkOptions.KeyOf(sink.PreviousSecret) is null)
            yield return $"{key}:PreviousSecret must be whsec_ and base64 of 24 to 64 bytes.";
        if (sink.Format is not (SinkOptions.JsonFormat or SinkOptions.CloudEventsFormat))
            yield return $"{key}:Format must be json or cloudevents.";
        if (sink.BatchSize is < 1 or > 500)
            yield return $"{key}:BatchSize must be between 1 and 500.";
        if (sink.Timeout <= TimeSpan.Zero || sink.Timeout > LongestTimeout)
            yield return $"{key}:Timeout must be positive, and at most two minutes.";
    }

    private bool IsSafe(Uri url) => url.UserInfo.Length == 0
        && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && environment.IsDevelopment() && IsThisMachine(url)));

    private static bool IsThisMachine(Uri url) =>
        url.Host == "localhost" || (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
