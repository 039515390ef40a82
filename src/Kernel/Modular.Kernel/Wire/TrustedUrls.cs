using System.Buffers;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Modular.Kernel;

/// <summary>
/// Which origins may send us cookies and which URLs we redirect to, contract §3: our own origin and
/// <see cref="AuthOptions.TrustedOrigins"/>. What cannot be understood exactly is not trusted.
/// </summary>
public sealed partial class TrustedUrls(IOptions<AuthOptions> options, PublicAddress address)
{
    private readonly string[] patterns = [.. options.Value.TrustedOrigins];

    /// <summary>Whether this <c>Origin</c> or <c>Referer</c> header names a trusted origin.</summary>
    public bool IsTrustedOrigin(HttpContext context, string origin) => IsTrusted(context, origin, allowRelative: false);

    /// <summary>Whether we may send a browser there: a trusted origin, or a path on our own.</summary>
    public bool IsTrustedRedirect(HttpContext context, string url) => IsTrusted(context, url, allowRelative: true);

    /// <summary>
    /// Whether the URL matches the pattern: an origin (<c>https://app.example.com</c>), one with <c>*</c> or <c>?</c> (any
    /// characters, or one, but a slash; without a scheme compared with host and port), or a custom scheme with an optional
    /// authority and path (<c>myapp://</c>).
    /// </summary>
    public static bool Matches(string url, string pattern)
    {
        if (HasControls(url))
            return false;
        var origin = OriginOf(url);
        if (pattern.Contains('*') || pattern.Contains('?'))
            return MatchesWildcard(url, origin, pattern);
        if (IsWeb(pattern) || IsWeb(url))
            return origin is not null && origin == OriginOf(pattern);
        return CustomUrl.Parse(url) is { } custom && CustomUrl.Parse(pattern) is { } expected && custom.IsWithin(expected);
    }

    /// <summary>A path on our own origin: one slash, then only characters that no browser reads as another host.</summary>
    public static bool IsRelative(string url) => Relative().IsMatch(url);

    /// <summary>Scheme, host and port of an http(s) URL as a browser writes its origin; null when it is none, or ambiguous.</summary>
    public static string? OriginOf(string url)
    {
        var match = Web().Match(url);
        if (!match.Success || HasControls(url))
            return null;
        var scheme = match.Groups["scheme"].Value.ToLowerInvariant();
        var port = match.Groups["port"].Value.TrimStart('0');
        var isDefault = port.Length == 0 || port == (scheme == "https" ? "443" : "80");
        return $"{scheme}://{match.Groups["host"].Value.ToLowerInvariant()}{(isDefault ? "" : ":" + port)}";
    }

    internal static bool IsPattern(string text)
    {
        if (text.Contains('*') || text.Contains('?'))
            return !HasControls(text);
        return IsWeb(text) ? OriginOf(text) is not null : text.Contains("://", StringComparison.Ordinal) && CustomUrl.Parse(text) is not null;
    }

    private bool IsTrusted(HttpContext context, string url, bool allowRelative) =>
        url.StartsWith('/')
            ? allowRelative && IsRelative(url)
            : Matches(url, address.OriginFor(context)) || Array.Exists(patterns, pattern => Matches(url, pattern));

    private static bool MatchesWildcard(string url, string? origin, string pattern)
    {
        if (!pattern.Contains("://", StringComparison.Ordinal))
            return origin is not null && Glob(pattern.ToLowerInvariant()).IsMatch(origin[(origin.IndexOf("://", StringComparison.Ordinal) + 3)..]);
        return IsWeb(pattern) || IsWeb(url)
            ? origin is not null && Glob(pattern.TrimEnd('/').ToLowerInvariant()).IsMatch(origin)
            : Glob(pattern).IsMatch(url);
    }

    // Configured, so few; the engine's cache keeps them. Linear time whatever the client sends.
    private static Regex Glob(string pattern) => new(
        "^" + Regex.Escape(pattern)
            .Replace(@"\*\*", ".*", StringComparison.Ordinal)
            .Replace(@"\*", @"[^/\\]*", StringComparison.Ordinal)
            .Replace(@"\?", @"[^/\\]", StringComparison.Ordinal) + @"\z",
        RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static bool IsWeb(string text) =>
        text.StartsWith("http:", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    // Browsers drop line breaks and tabs and read a backslash as a slash: both move the end of the host.
    private static bool HasControls(string text) => text.Any(character => char.IsControl(character) || character == '\\');

    [GeneratedRegex(@"^(?<scheme>https?)://(?<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?<port>[0-9]{1,5}))?(?=[/?#]|\z)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Web();

    // The dots of JavaScript's \w are ASCII only.
    [GeneratedRegex(@"^/(?!/|\\|%2f|%5c)[A-Za-z0-9_\-.+/@]*(\?[A-Za-z0-9_\-.+/=&%@]*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Relative();

    private sealed record CustomUrl(string Scheme, string Authority, string Path)
    {
        private static readonly SearchValues<char> SchemeCharacters =
            SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

        public static CustomUrl? Parse(string text)
        {
            var colon = text.IndexOf(':');
            if (colon <= 0 || text.AsSpan(0, colon).ContainsAnyExcept(SchemeCharacters))
                return null;
            var rest = text[(colon + 1)..].Split('?', '#')[0];
            if (!rest.StartsWith("//", StringComparison.Ordinal))
                return new(text[..colon].ToLowerInvariant(), "", Resolve(rest));
            var slash = rest.IndexOf('/', 2);
            var authority = slash < 0 ? rest[2..] : rest[2..slash];
            return new(text[..colon].ToLowerInvariant(), authority.ToLowerInvariant(), slash < 0 ? "" : Resolve(rest[slash..]));
        }

        public bool IsWithin(CustomUrl pattern) => Scheme == pattern.Scheme
            && (pattern.Authority.Length == 0 || Authority == pattern.Authority)
            && (pattern.Path.Length == 0 || Path == pattern.Path || Path.StartsWith(pattern.Path + "/", StringComparison.Ordinal));

        // After decoding, so that %2e%2e does not leave the path either.
        private static string Resolve(string path)
        {
            var segments = new List<string>();
            foreach (var segment in Uri.UnescapeDataString(path).Split('/'))
            {
                if (segment == ".." && segments.Count > 0)
                    segments.RemoveAt(segments.Count - 1);
                else if (segment is not ("" or "." or ".."))
                    segments.Add(segment);
            }

            return segments.Count == 0 ? "" : "/" + string.Join('/', segments);
        }
    }
}
