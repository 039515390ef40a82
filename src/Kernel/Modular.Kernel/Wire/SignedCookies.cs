using System.Buffers.Text;
using System.Globalization;
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
    /// <summary>The longest signed value, in bytes, that <see cref="Find(StringValues, string, Span{byte}, out int)"/> reads.</summary>
    public const int LongestValue = 256;

    private const int SignatureLength = 44;

    private readonly byte[] secret = Encoding.UTF8.GetBytes(options.Value.Secret!);

    // Tried after it, so that they cost whoever has a cookie of it nothing, and nobody anything where there are none.
    private readonly byte[][] accepted = [.. options.Value.AcceptedSecrets.Select(Encoding.UTF8.GetBytes)];

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
    /// The same as <see cref="Read"/> without allocating anything: the value in UTF-8 goes into <paramref name="value"/>.
    /// </summary>
    /// <param name="headers">Every <c>Cookie</c> header of the request.</param>
    /// <param name="fullName">As on the wire.</param>
    /// <param name="value">Room for <see cref="LongestValue"/> bytes.</param>
    /// <param name="length">Of the value; 0 unless it is <see cref="CookieFound.Ours"/>.</param>
    public CookieFound Find(StringValues headers, string fullName, Span<byte> value, out int length)
    {
        length = 0;
        if (headers.Count > 1)
            return CookieFound.Odd;
        if (!TryFindRaw(headers.Count == 0 ? [] : headers[0], fullName, out var raw))
            return CookieFound.Missing;
        if (!TryDecode(raw, value, out var decoded))
            return CookieFound.Odd;
        var signed = value[..decoded];
        var dot = signed.LastIndexOf((byte)'.');
        if (dot < 1 || decoded - dot - 1 != SignatureLength || signed[^1] != (byte)'=')
            return CookieFound.Missing;
        if (!IsSignature(secret, signed[..dot], signed[(dot + 1)..]) && !IsAccepted(signed[..dot], signed[(dot + 1)..]))
            return CookieFound.Missing;
        length = dot;
        return CookieFound.Ours;
    }

    private bool IsAccepted(ReadOnlySpan<byte> value, ReadOnlySpan<byte> signature)
    {
        foreach (var other in accepted)
        {
            if (IsSignature(other, value, signature))
                return true;
        }

        return false;
    }

    private static bool IsSignature(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> value, ReadOnlySpan<byte> signature)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> expected = stackalloc byte[SignatureLength];
        HMACSHA256.HashData(secret, value, mac);
        Base64.EncodeToUtf8(mac, expected, out _, out _);
        return CryptographicOperations.FixedTimeEquals(expected, signature);
    }

    /// <summary>The same raw value that the look for a signed cookie checks; empty when there is none, or several headers.</summary>
    /// <param name="headers">Every <c>Cookie</c> header of the request.</param>
    /// <param name="fullName">As on the wire.</param>
    public static ReadOnlySpan<char> FindRaw(StringValues headers, string fullName) =>
        headers.Count == 1 && TryFindRaw(headers[0], fullName, out var raw) ? raw : [];

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
            if (TryFindRaw(header, name, out var found))
                return found.ToString();
        }

        return null;
    }

    /// <summary>Whether names carry <c>__Secure-</c> and cookies are <c>Secure</c>.</summary>
    internal bool IsSecure => address.IsSecure;

    /// <summary>The full name on the wire.</summary>
    public string NameOf(string name) => $"{(address.IsSecure ? "__Secure-" : "")}better-auth.{name}";

    /// <summary>The value of a signed cookie; null when absent or not signed by us, which is the same.</summary>
    public string? Read(HttpContext context, string name) =>
        Find(context.Request.Headers.Cookie, NameOf(name)) is { } raw ? Verify(raw) : null;

    /// <summary>The same for a value that came by another way than a cookie, percent-encoded or not.</summary>
    public string? Verify(string raw) =>
        Verify(raw, secret) ?? accepted.Select(other => Verify(raw, other)).FirstOrDefault(value => value is not null);

    /// <summary>The value with its signature, not percent-encoded.</summary>
    public string WithSignature(string value) => $"{value}.{Signature(value, secret)}";

    /// <summary>Sets a signed cookie.</summary>
    /// <param name="context">Its response gets the header; an earlier one for the same name is replaced.</param>
    /// <param name="name">Short name.</param>
    /// <param name="value">Any text; the signature is added.</param>
    /// <param name="maxAge">Whole seconds count; null: until the browser closes.</param>
    public void Set(HttpContext context, string name, string value, TimeSpan? maxAge) =>
        Write(context, name, Sign(value, secret), maxAge);

    /// <summary>Deletes a cookie: empty value, <c>Max-Age=0</c>, the same attributes.</summary>
    public void Delete(HttpContext context, string name) => Write(context, name, "", TimeSpan.Zero);

    /// <summary>What <see cref="Delete"/> sends.</summary>
    public string Deleted(string name) => Text(name, "", TimeSpan.Zero);

    /// <summary>Takes back what this response has said of a cookie.</summary>
    public void Withdraw(HttpContext context, string name) =>
        context.Response.Headers.SetCookie = new StringValues([.. OthersThan(NameOf(name), context)]);

    /// <summary>Sets a cookie that pages may read and nobody vouches for; its name is the full one.</summary>
    public void SetPlain(HttpContext context, string fullName, string value, TimeSpan maxAge) =>
        context.Response.Headers.SetCookie = new StringValues(
        [
            .. OthersThan(fullName, context),
            $"{fullName}={Encode(value)}; Max-Age={(long)maxAge.TotalSeconds}; Path=/{(address.IsSecure ? "; Secure" : "")}; SameSite=Lax",
        ]);

    private void Write(HttpContext context, string name, string value, TimeSpan? maxAge) =>
        context.Response.Headers.SetCookie = new StringValues([.. OthersThan(NameOf(name), context), Text(name, value, maxAge)]);

    private static IEnumerable<string?> OthersThan(string fullName, HttpContext context) =>
        context.Response.Headers.SetCookie.Where(set => set?.StartsWith(fullName + "=", StringComparison.Ordinal) != true);

    private string Text(string name, string value, TimeSpan? maxAge)
    {
        var age = maxAge is { } life ? $"; Max-Age={(long)life.TotalSeconds}" : "";
        return $"{NameOf(name)}={value}{age}; Path=/; HttpOnly{(address.IsSecure ? "; Secure" : "")}; SameSite=Lax";
    }

    private static string Signature(string value, ReadOnlySpan<byte> secret) =>
        Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(value)));

    // encodeURIComponent leaves these five alone, RFC 3986 does not.
    private static string Encode(string text) => Uri.EscapeDataString(text)
        .Replace("%21", "!", StringComparison.Ordinal).Replace("%27", "'", StringComparison.Ordinal)
        .Replace("%28", "(", StringComparison.Ordinal).Replace("%29", ")", StringComparison.Ordinal)
        .Replace("%2A", "*", StringComparison.Ordinal);

    /// <summary>The values of all signed cookies whose short name begins so; what is not signed by us is passed over.</summary>
    public IReadOnlyList<string> ReadAll(HttpContext context, string prefix)
    {
        if (context.Request.Headers.Cookie.Count == 0)
            return [];
        var full = NameOf(prefix);
        return
        [
            .. context.Request.Headers.Cookie
                .SelectMany(header => header!.Split(';'))
                .Select(pair => pair.Trim())
                .Where(pair => pair.StartsWith(full, StringComparison.Ordinal) && pair.Contains('='))
                .Select(pair => Verify(pair[(pair.IndexOf('=') + 1)..].Trim('"')))
                .OfType<string>()
                .Distinct(),
        ];
    }

    private static bool TryFindRaw(ReadOnlySpan<char> header, ReadOnlySpan<char> name, out ReadOnlySpan<char> value)
    {
        while (!header.IsEmpty)
        {
            var end = header.IndexOf(';');
            var pair = end < 0 ? header : header[..end];
            header = end < 0 ? [] : header[(end + 1)..];
            var equals = pair.IndexOf('=');
            if (equals < 0 || !pair[..equals].Trim().SequenceEqual(name))
                continue;
            value = pair[(equals + 1)..].Trim() is ['"', .. var inner, '"'] ? inner : pair[(equals + 1)..].Trim();
            return true;
        }

        value = [];
        return false;
    }

    // Plain ASCII and whole escapes; anything else, and what has no room, is left to others.
    private static bool TryDecode(ReadOnlySpan<char> raw, Span<byte> value, out int length)
    {
        length = 0;
        for (var at = 0; at < raw.Length; at++)
        {
            if (length == value.Length || !char.IsAscii(raw[at]))
                return false;
            if (raw[at] != '%')
            {
                value[length++] = (byte)raw[at];
                continue;
            }

            if (at + 2 >= raw.Length || !char.IsAsciiHexDigit(raw[at + 1]) || !char.IsAsciiHexDigit(raw[at + 2]))
                return false;
            value[length++] = byte.Parse(raw.Slice(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            at += 2;
        }

        return true;
    }
}

/// <summary>What a look for a signed cookie has found.</summary>
public enum CookieFound
{
    /// <summary>None, or one that we did not sign, which is the same.</summary>
    Missing,

    /// <summary>One of ours.</summary>
    Ours,

    /// <summary>Something that takes a closer look.</summary>
    Odd,
}
