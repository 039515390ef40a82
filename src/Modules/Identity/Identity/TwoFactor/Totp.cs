using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Modular.Identity;

/// <summary>One-time codes of an authenticator app: RFC 6238 with SHA-1, 6 digits and steps of 30 seconds, which every app has.</summary>
internal static class Totp
{
    public const int Digits = 6;

    // 160 bits, as RFC 4226 recommends; 32 characters of base32.
    private const int SecretBytes = 20;

    private const int StepSeconds = 30;

    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    public static long StepOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / StepSeconds;

    /// <summary>The code of one step.</summary>
    public static string Code(ReadOnlySpan<byte> secret, long step) => Code(secret, step, Digits);

    [SuppressMessage("Security", "CA5350", Justification = "HMAC-SHA-1 is what RFC 6238 and every authenticator app have; its collisions do not matter here.")]
    internal static string Code(ReadOnlySpan<byte> secret, long step, int digits)
    {
        Span<byte> counter = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> mac = stackalloc byte[HMACSHA1.HashSizeInBytes];
        HMACSHA1.HashData(secret, counter, mac);
        var number = BinaryPrimitives.ReadUInt32BigEndian(mac[(mac[^1] & 0xf)..]) & 0x7fffffff;
        return (number % (uint)Math.Pow(10, digits)).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
    }

    /// <summary>The step that a code belongs to: this one, the last or the next, as clocks differ. Null: none of them.</summary>
    public static long? Find(ReadOnlySpan<byte> secret, string code, DateTimeOffset now)
    {
        var given = Encoding.UTF8.GetBytes(code);
        long? found = null;
        for (var step = StepOf(now) - 1; step <= StepOf(now) + 1; step++)
        {
            if (CryptographicOperations.FixedTimeEquals(given, Encoding.UTF8.GetBytes(Code(secret, step))))
                found = step;
        }

        return found;
    }

    /// <summary>What an app reads from a QR code.</summary>
    public static string Uri(ReadOnlySpan<byte> secret, string issuer, string email) =>
        $"otpauth://totp/{System.Uri.EscapeDataString(issuer)}:{System.Uri.EscapeDataString(email)}"
        + $"?secret={Base32(secret)}&issuer={WebUtility.UrlEncode(issuer)}&digits={Digits}&period={StepSeconds}";

    /// <summary>RFC 4648 without padding.</summary>
    public static string Base32(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        var (buffer, bits) = (0, 0);
        foreach (var octet in bytes)
        {
            buffer = (buffer << 8) | octet;
            for (bits += 8; bits >= 5; bits -= 5)
                text.Append(Alphabet[(buffer >> (bits - 5)) & 31]);
            buffer &= (1 << bits) - 1;
        }

        return bits == 0 ? text.ToString() : text.Append(Alphabet[(buffer << (5 - bits)) & 31]).ToString();
    }
}
