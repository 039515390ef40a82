using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Modular.Sessions;

/// <summary>
/// The secret behind a session cookie: 256 random bits as 43 characters of base64url. Only its hash is stored, so a
/// dump of the database signs nobody in; a plain SHA-256 is enough because nobody can guess 256 bits.
/// </summary>
internal sealed class SessionToken
{
    private const int Bytes = 32;
    private const int HandleBytes = 16;

    /// <summary>Any text: tokens made elsewhere (Auth.js) are kept as they are.</summary>
    public SessionToken(string text)
    {
        Text = text;
        Hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>For the cookie; never for a log or a table.</summary>
    public string Text { get; }

    /// <summary>What is stored and looked up.</summary>
    public byte[] Hash { get; }

    /// <summary>The hash as text, for events and documents.</summary>
    public string HashText => Base64Url.EncodeToString(Hash);

    public static SessionToken Mint() => new(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes)));

    /// <summary>
    /// A name for a session that its owner may see on every device: as hard to guess as a token, but it opens nothing,
    /// since only hashes of tokens are looked up for a cookie.
    /// </summary>
    public static string MintHandle() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(HandleBytes));

    /// <summary>The bytes of a stored hash.</summary>
    public static byte[] HashOf(string hashText) => Base64Url.DecodeFromChars(hashText);

    /// <summary>Takes the same time wherever they differ.</summary>
    public bool Opens(Session session) => CryptographicOperations.FixedTimeEquals(Hash, HashOf(session.TokenHash));

    /// <summary>Not the secret: this ends up in messages of exceptions and in logs.</summary>
    public override string ToString() => nameof(SessionToken);
}
