using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Modular.Kernel;

namespace Modular.Identity;

/// <summary>
/// The signature of a webhook as Svix makes it (Standard Webhooks): HMAC-SHA256 over id, time and body, joined by dots, in
/// base64 after <c>v1,</c>. Several, separated by blanks, while a secret is replaced.
/// </summary>
internal sealed class SvixSignature(IOptions<ClerkOptions> options, TimeProvider clock)
{
    /// <summary>How far the sender's clock, and the way, may be off in either direction.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private const string Version = "v1,";
    private const int LongestId = 200;
    private const int MostSignatures = 16;

    internal static readonly Refusal Missing = Refusal.BadRequest(
        "missing_signature", "The headers svix-id, svix-timestamp and svix-signature are needed, each once");

    internal static readonly Refusal Invalid = Refusal.Unauthorized("invalid_signature", "The signature does not fit");

    internal static readonly Refusal OutOfTime = Refusal.Unauthorized("timestamp_out_of_window", "The message was sent too long ago, or in the future");

    /// <summary>The message's id if it is signed with one of our secrets, now; else why not.</summary>
    public Outcome<string> Check(IHeaderDictionary headers, ReadOnlySpan<byte> body)
    {
        if (headers["svix-id"] is not [{ Length: > 0 and <= LongestId } id]
            || headers["svix-timestamp"] is not [{ Length: > 0 } timestamp]
            || headers["svix-signature"] is not [{ Length: > 0 } signature])
            return Missing;
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || !IsSigned(id, timestamp, body, signature))
            return Invalid;
        var off = clock.GetUtcNow().ToUnixTimeSeconds() - seconds;
        return Math.Abs(off) <= (long)Window.TotalSeconds ? id : OutOfTime;
    }

    // Every key with every signature, whichever fits: the time tells nothing.
    private bool IsSigned(string id, string timestamp, ReadOnlySpan<byte> body, string given)
    {
        var head = Encoding.UTF8.GetBytes($"{id}.{timestamp}.");
        var content = new byte[head.Length + body.Length];
        head.CopyTo(content, 0);
        body.CopyTo(content.AsSpan(head.Length));
        var signatures = given.Split(' ', MostSignatures + 1, StringSplitOptions.RemoveEmptyEntries)
            .Take(MostSignatures)
            .Where(signature => signature.StartsWith(Version, StringComparison.Ordinal))
            .Select(signature => Encoding.UTF8.GetBytes(signature[Version.Length..]))
            .ToList();
        var isSigned = false;
        foreach (var key in options.Value.Keys)
        {
            var expected = Encoding.UTF8.GetBytes(Convert.ToBase64String(HMACSHA256.HashData(key, content)));
            foreach (var signature in signatures)
                isSigned |= CryptographicOperations.FixedTimeEquals(expected, signature);
        }

        return isSigned;
    }
}
