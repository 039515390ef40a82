using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Modular.Kernel;

/// <summary>
/// Cookies of contract §2.1. Names here are the short ones (<c>session_token</c>); on the wire they are
/// <c>[__Secure-]better-auth.session_token</c>. A signed value is
/// <c>encodeURIComponent(value + "." + base64(HMAC-SHA256(secret, value)))</c>.
/// </summary>
public sealed class SignedCookies(IOptions<AuthOptions> options, PublicAddress address)
{
    private const int SignatureLength = 44;

    private readonly byte[] secret = Encoding.UTF8.GetBytes(options.Value.Secret!);

    /// <summary>The value as it goes on the wire, percent-encoded.</summary>
    public static string Sign(string value, ReadOnlySpan<byte> secret) => Encode($"{value}.{Signature(value, secret)}");

    /// <summary>The value inside, or null when the signature is missing, malformed or wrong. Takes constant time for one length.</summary>
    /// <param name="raw">As in the Cookie header, still percent-encoded.</param>
    /// <param name="secret">UTF-8 bytes of <see cref="AuthOptions.Secret"/>.</param>
    public static string? Verify(string raw, ReadOnlySpan<byte> secret)
    {
        var signed = Uri.UnescapeDataString(raw);
        var dot = signed.LastIndexOf('.');
        if (dot < 1 || signed.Length - dot - 1 != SignatureLength || signed[^1] != '=')
            return null;
        var value = signed[..dot];
        var given = Encoding.UTF8.GetBytes(signed, dot + 1, SignatureLength);
        return CryptographicOperations.FixedTimeEquals(given, Encoding.UTF8.GetBytes(Signature(value, secret))) ? value : null;
    }

    /// <summary>
    /// The raw value of a cookie, not percent-decoded; quotes around it taken off. Of several with one name the first wins:
    /// browsers send the most specific path first.
    /// </summary>
    /// <param name="headers">Every <c>Cookie</c> header of the request.</param>
    /// <param name="name">Full name, case-sensitive.</param>
    public static string? Find(StringValues headers, string name)
    {
        foreach (var header in headers)
        {
            var rest = header.AsSpan();
            while (!rest.IsEmpty)
            {
                var end = rest.IndexOf(';');
                var pair = end < 0 ? rest : rest[..end];
                rest = end < 0 ? [] : rest[(end + 1)..];
                var equals = pair.IndexOf('=');
                if (equals >= 0 && pair[..equals].Trim().SequenceEqual(name))
                    return Unquoted(pair[(equals + 1)..].Trim());
            }
        }

        return null;
    }

    /// <summary>The full name on the wire.</summary>
    public string NameOf(string name) => $"{(address.IsSecure ? "__Secure-" : "")}better-auth.{name}";

    /// <summary>The value of a signed cookie; null when absent or not signed by us, which is the same.</summary>
    public string? Read(HttpContext context, string name) =>
        Find(context.Request.Headers.Cookie, NameOf(name)) is { } raw ? Verify(raw, secret) : null;

    /// <summary>Sets a signed cookie.</summary>
    /// <param name="context">Its response gets the header; an earlier one for the same name is replaced.</param>
    /// <param name="name">Short name.</param>
    /// <param name="value">Any text; the signature is added.</param>
    /// <param name="maxAge">Whole seconds count; null: until the browser closes.</param>
    public void Set(HttpContext context, string name, string value, TimeSpan? maxAge) =>
        Write(context, name, Sign(value, secret), maxAge);

    /// <summary>Deletes a cookie: empty value, <c>Max-Age=0</c>, the same attributes.</summary>
    public void Delete(HttpContext context, string name) => Write(context, name, "", TimeSpan.Zero);

    private void Write(HttpContext context, string name, string value, TimeSpan? maxAge)
    {
        var full = NameOf(name) + "=";
        var age = maxAge is { } life ? $"; Max-Age={(long)life.TotalSeconds}" : "";
        var cookie = $"{full}{value}{age}; Path=/; HttpOnly{(address.IsSecure ? "; Secure" : "")}; SameSite=Lax";
        var headers = context.Response.Headers;
        var others = headers.SetCookie.Where(set => set?.StartsWith(full, StringComparison.Ordinal) != true);
        headers.SetCookie = new StringValues([.. others, cookie]);
    }

    private static string Signature(string value, ReadOnlySpan<byte> secret) =>
        Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(value)));

    // encodeURIComponent leaves these five alone, RFC 3986 does not.
    private static string Encode(string text) => Uri.EscapeDataString(text)
        .Replace("%21", "!", StringComparison.Ordinal).Replace("%27", "'", StringComparison.Ordinal)
        .Replace("%28", "(", StringComparison.Ordinal).Replace("%29", ")", StringComparison.Ordinal)
        .Replace("%2A", "*", StringComparison.Ordinal);

    private static string Unquoted(ReadOnlySpan<char> value) =>
        (value is ['"', .. var inner, '"'] ? inner : value).ToString();
}
