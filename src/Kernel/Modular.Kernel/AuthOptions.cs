using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>
/// The settings <c>Auth:*</c> (DESIGN §9), read and checked at start. Aliases, used when the first is absent:
/// <c>BETTER_AUTH_SECRET</c>, <c>AUTH_SECRET</c>; <c>BETTER_AUTH_URL</c>, <c>AUTH_URL</c>;
/// <c>BETTER_AUTH_SECRETS</c> (<c>2:new,1:old</c>, the first in force) stands before those two and has them accepted;
/// <c>BETTER_AUTH_TRUSTED_ORIGINS</c> (comma-separated) adds to <c>Auth:TrustedOrigins</c>.
/// </summary>
public sealed class AuthOptions
{
    /// <summary>Signs cookies and wraps keys. At least 32 characters outside Development, where the Host makes one.</summary>
    public string? Secret { get; set; }

    /// <summary>What cookies may be signed and keys wrapped with beside <see cref="Secret"/>: the next one, or the one before.</summary>
    public IReadOnlyList<string> AcceptedSecrets { get; set; } = [];

    /// <summary>The one in force, then those that are accepted.</summary>
    public IReadOnlyList<string> Secrets => [Secret!, .. AcceptedSecrets];

    /// <summary>Public URL of this server; null: the address it listens on (<see cref="PublicAddress"/>).</summary>
    public Uri? BaseUrl { get; set; }

    /// <summary>Origins beside our own, with the patterns of contract §3.</summary>
    public IReadOnlyList<string> TrustedOrigins { get; set; } = [];

    /// <summary>Life of a session since its last refresh.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(8);

    /// <summary>Age from which a session is refreshed when used.</summary>
    public TimeSpan SessionUpdateAge { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Life of a session however often it is refreshed.</summary>
    public TimeSpan SessionMaxLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Most live sessions of one user; null: no limit.</summary>
    public int? MaxSessionsPerUser { get; set; }

    public bool RequireEmailVerification { get; set; }

    public bool AutoSignIn { get; set; } = true;

    /// <summary>Whoever signs up gets the verification mail; where verification is required they do unless this says no.</summary>
    public bool SendVerificationOnSignUp { get; set; }

    /// <summary>The link of a verification mail also signs in, once.</summary>
    public bool SignInAfterVerification { get; set; }

    /// <summary>A verified user's new address is asked of the old one first.</summary>
    public bool ConfirmEmailChange { get; set; }

    /// <summary>Deleting one's account takes a link from a mail.</summary>
    public bool ConfirmDeletion { get; set; }

    /// <summary>A reset password ends the user's sessions.</summary>
    public bool EndSessionsOnPasswordReset { get; set; } = true;

    public bool AllowSignUp { get; set; } = true;

    /// <summary>A sign-in from a device or network that is new to its user is told to them by mail.</summary>
    public bool NewDeviceMail { get; set; } = true;

    /// <summary>Each step of a sign-in is told in the log; see <see cref="AuthTrace"/>.</summary>
    public bool Debug { get; set; }

    /// <summary>Proxies whose <see cref="IpAddressHeader"/> is believed: addresses or networks (<c>10.0.0.0/8</c>).</summary>
    public IReadOnlyList<string> TrustedProxies { get; set; } = [];

    /// <summary>
    /// Whether the header is believed from anybody (<c>Modular:ForwardedFor</c>), as on platforms that always
    /// overwrite it. Only when it holds exactly one address, contract §2.2.
    /// </summary>
    public bool ForwardedFor { get; set; }

    /// <summary>Header in which proxies name the client.</summary>
    public string IpAddressHeader { get; set; } = "X-Forwarded-For";

    /// <summary>Which of <see cref="AuthGroup.All"/> were switched on or off, in lower case; what is not named is on.</summary>
    public IReadOnlyDictionary<string, bool> Groups { get; set; } = new Dictionary<string, bool>();

    /// <summary>Whether a group of endpoints is there.</summary>
    public bool IsOn(string group) => Groups.GetValueOrDefault(group, true);

    internal IReadOnlyList<IPNetwork> ProxyNetworks { get; private set; } = [];

    internal void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Auth");
        ReadSecrets(configuration, section);
        BaseUrl = ReadUrl(configuration, "Auth:BaseUrl", "BETTER_AUTH_URL", "AUTH_URL");
        TrustedOrigins = [.. List(section.GetSection(nameof(TrustedOrigins))), .. List(configuration.GetSection("BETTER_AUTH_TRUSTED_ORIGINS"))];
        SessionLifetime = section.GetValue(nameof(SessionLifetime), SessionLifetime);
        SessionUpdateAge = section.GetValue(nameof(SessionUpdateAge), SessionUpdateAge);
        SessionMaxLifetime = section.GetValue(nameof(SessionMaxLifetime), SessionMaxLifetime);
        MaxSessionsPerUser = section.GetValue(nameof(MaxSessionsPerUser), MaxSessionsPerUser);
        RequireEmailVerification = section.GetValue(nameof(RequireEmailVerification), RequireEmailVerification);
        AutoSignIn = section.GetValue(nameof(AutoSignIn), AutoSignIn);
        SendVerificationOnSignUp = section.GetValue(nameof(SendVerificationOnSignUp), RequireEmailVerification);
        SignInAfterVerification = section.GetValue(nameof(SignInAfterVerification), SignInAfterVerification);
        ConfirmEmailChange = section.GetValue(nameof(ConfirmEmailChange), ConfirmEmailChange);
        ConfirmDeletion = section.GetValue(nameof(ConfirmDeletion), ConfirmDeletion);
        EndSessionsOnPasswordReset = section.GetValue(nameof(EndSessionsOnPasswordReset), EndSessionsOnPasswordReset);
        NewDeviceMail = section.GetValue(nameof(NewDeviceMail), NewDeviceMail);
        AllowSignUp = section.GetValue(nameof(AllowSignUp), AllowSignUp);
        Debug = section.GetValue(nameof(Debug), Debug);
        TrustedProxies = [.. List(section.GetSection(nameof(TrustedProxies)))];
        ProxyNetworks = [.. TrustedProxies.Select(Network)];
        ForwardedFor = configuration.GetValue("Modular:ForwardedFor", ForwardedFor);
        Groups = section.GetSection(nameof(Groups)).GetChildren().ToDictionary(group => group.Key.ToLowerInvariant(), group => group.Get<bool>());
        IpAddressHeader = section.GetValue(nameof(IpAddressHeader), IpAddressHeader)!;
    }

    private void ReadSecrets(IConfiguration configuration, IConfigurationSection section)
    {
        string?[] all =
        [
            configuration["Auth:Secret"],
            .. Versioned(configuration["BETTER_AUTH_SECRETS"]),
            First(configuration, "BETTER_AUTH_SECRET", "AUTH_SECRET"),
        ];
        var given = all.Where(secret => !string.IsNullOrEmpty(secret)).OfType<string>().ToList();
        Secret = given.FirstOrDefault();
        // Where Auth:Secret is set, the lone aliases are another product's and not asked for.
        var others = string.IsNullOrEmpty(configuration["Auth:Secret"]) ? given.Skip(1) : [];
        AcceptedSecrets = [.. others.Concat(List(section.GetSection(nameof(AcceptedSecrets)))).Where(secret => secret != Secret).Distinct()];
    }

    // As upstream has it: "<version>:<secret>, …"; versions are for its own ciphertexts and mean nothing to us.
    private static IEnumerable<string> Versioned(string? secrets) => (secrets ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(entry => entry.IndexOf(':') is > 0 and var colon && entry.AsSpan(0, colon).IndexOfAnyExceptInRange('0', '9') < 0
            ? entry[(colon + 1)..].Trim()
            : throw new OptionsValidationException("Auth", typeof(AuthOptions), ["BETTER_AUTH_SECRETS must be of the form 2:new-secret,1:old-secret."]));

    private static Uri? ReadUrl(IConfiguration configuration, params string[] keys)
    {
        var key = Array.Find(keys, key => !string.IsNullOrEmpty(configuration[key]));
        if (key is null)
            return null;
        return Uri.TryCreate(configuration[key], UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new OptionsValidationException("Auth", typeof(AuthOptions), [$"{key} must be an http or https URL, it is '{configuration[key]}'."]);
    }

    private static IPNetwork Network(string text)
    {
        if (IPNetwork.TryParse(text, out var network))
            return network;
        return IPAddress.TryParse(text, out var address)
            ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
            : throw new OptionsValidationException("Auth", typeof(AuthOptions), [$"Auth:TrustedProxies: '{text}' is neither an address nor a network."]);
    }

    private static string? First(IConfiguration configuration, params string[] keys) =>
        keys.Select(key => configuration[key]).FirstOrDefault(value => !string.IsNullOrEmpty(value));

    private static IEnumerable<string> List(IConfigurationSection section) => section.GetChildren()
        .Select(child => child.Value ?? "")
        .Concat((section.Value ?? "").Split(','))
        .Select(value => value.Trim())
        .Where(value => value.Length > 0);
}

/// <summary>Stops the start with the key's name.</summary>
internal sealed class AuthOptionsValidation(IHostEnvironment environment) : IValidateOptions<AuthOptions>
{
    private const int ShortestSecret = 32;

    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        string?[] wrong =
        [
            string.IsNullOrEmpty(options.Secret)
                ? $"Auth:Secret (or BETTER_AUTH_SECRET) is missing: set at least {ShortestSecret} random characters."
                : options.Secret.Length < ShortestSecret && !environment.IsDevelopment()
                    ? $"Auth:Secret must have at least {ShortestSecret} characters, it has {options.Secret.Length}."
                    : null,
            !environment.IsDevelopment() && options.AcceptedSecrets.Any(secret => secret.Length < ShortestSecret)
                ? $"Each of Auth:AcceptedSecrets must have at least {ShortestSecret} characters."
                : null,
            options.SessionLifetime <= TimeSpan.Zero ? "Auth:SessionLifetime must be longer than zero." : null,
            options.SessionUpdateAge < TimeSpan.Zero ? "Auth:SessionUpdateAge must not be negative." : null,
            options.SessionMaxLifetime < options.SessionLifetime ? "Auth:SessionMaxLifetime must not be shorter than Auth:SessionLifetime." : null,
            options.Groups.Keys.FirstOrDefault(name => !AuthGroup.All.Contains(name)) is { } unknown
                ? $"Auth:Groups: '{unknown}' is none of {string.Join(", ", AuthGroup.All)}."
                : null,
            options.MaxSessionsPerUser is < 1 ? "Auth:MaxSessionsPerUser must be at least 1." : null,
            options.TrustedOrigins.FirstOrDefault(origin => !TrustedUrls.IsPattern(origin)) is { } origin
                ? $"Auth:TrustedOrigins: '{origin}' is not an origin such as https://app.example.com, *.example.com or myapp://."
                : null,
        ];
        var failures = wrong.OfType<string>().ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}

/// <summary>
/// Where clients reach this server: <see cref="AuthOptions.BaseUrl"/>, else the first address it listens on (a wildcard
/// becomes <c>localhost</c>), else the address of the request. Never the request's Host header while another is known:
/// whoever sends a request chooses it, and links in mails are made from this.
/// </summary>
public sealed class PublicAddress(IOptions<AuthOptions> options, IServiceProvider services)
{
    private Uri? known = options.Value.BaseUrl is { } url ? Origin(url) : null;

    /// <summary>Scheme, host and port with a trailing slash; null before the server listens.</summary>
    public Uri? Known => known ??= Listening();

    /// <summary>Whether cookies are <c>Secure</c> and carry the <c>__Secure-</c> prefix (contract §2.1).</summary>
    public bool IsSecure => Known?.Scheme == Uri.UriSchemeHttps;

    /// <summary>For a host that learns its address after it has started.</summary>
    public void Set(Uri address) => known = Origin(address);

    /// <summary>The address for links in an answer to this request.</summary>
    public Uri For(HttpContext context) => Known ?? new Uri($"{context.Request.Scheme}://{context.Request.Host}/");

    /// <summary>The origin as browsers write it: no trailing slash, no default port.</summary>
    public string OriginFor(HttpContext context) => For(context).GetLeftPart(UriPartial.Authority);

    private Uri? Listening()
    {
        var address = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault();
        if (address is null)
            return null;
        foreach (var wildcard in (string[])["://+", "://*", "://[::]", "://0.0.0.0"])
            address = address.Replace(wildcard, "://localhost", StringComparison.Ordinal);

        // Port 0 is a wish; the server replaces it by the port it got once it listens.
        return Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Port > 0 ? Origin(url) : null;
    }

    private static Uri Origin(Uri url) => new(url.GetLeftPart(UriPartial.Authority));
}
