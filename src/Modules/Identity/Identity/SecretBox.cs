using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Modular.Store;

namespace Modular.Identity;

/// <summary>
/// Encrypts what has to be read again (tokens of providers, links on their way into a mail) with a key of the
/// database, which <c>Auth:Secret</c> wraps: a copy of the database alone opens none of it.
/// </summary>
internal sealed class SecretBox(KeyRing keys)
{
    private byte[] Key => keys.Of("secret-box");

    /// <param name="plaintext">What is to be kept secret.</param>
    /// <param name="context">The row and column it belongs to; it opens nowhere else.</param>
    public string Seal(string plaintext, string context) =>
        Base64Url.EncodeToString(SealedBytes.Seal(Key, Encoding.UTF8.GetBytes(plaintext), Encoding.UTF8.GetBytes(context)));

    /// <summary>The plaintext; null when it was sealed with another secret, for another place, or never.</summary>
    public string? Open(string sealedText, string context) =>
        Base64Url.IsValid(sealedText)
        && SealedBytes.Open(Key, Base64Url.DecodeFromChars(sealedText), Encoding.UTF8.GetBytes(context)) is { } plaintext
            ? Encoding.UTF8.GetString(plaintext)
            : null;

    public string SealJson<T>(T value, string context) => Seal(JsonSerializer.Serialize(value, StoreJson.Options), context);

    public T? OpenJson<T>(string sealedText, string context)
        where T : class => Open(sealedText, context) is { } json ? JsonSerializer.Deserialize<T>(json, StoreJson.Options) : null;
}
