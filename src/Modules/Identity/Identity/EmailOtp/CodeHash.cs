using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// What is stored of a code and of the address it went to. A code has a million values, so the hash is keyed,
/// by what <c>Auth:Secret</c> wraps: a copy of the database alone yields no code.
/// </summary>
internal sealed class CodeHash(KeyRing keys)
{
    private byte[] Key => keys.Of("email-codes");

    /// <summary>Six digits, each as likely as any other.</summary>
    public static string NewCode() => RandomNumberGenerator.GetInt32(1_000_000).ToString("D6", System.Globalization.CultureInfo.InvariantCulture);

    public string OfKey(CodeKey code) => Hash("key", code.Purpose, code.Owner);

    /// <summary>Good for this address and this kind alone.</summary>
    public string OfCode(CodeKey code, string guess) => Hash("code", code.Purpose, code.Owner, code.Bound, guess);

    // With lengths, so that no text moves from one part to the next.
    private string Hash(params ReadOnlySpan<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{part.Length}:{part}\n");
        return Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(text.ToString())));
    }
}
