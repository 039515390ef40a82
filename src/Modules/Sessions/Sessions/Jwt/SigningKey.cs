using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Modular.Store;

namespace Modular.Sessions;

/// <summary>A key that tokens are signed with, or were: P-256, for ES256.</summary>
/// <param name="Id">The <c>kid</c>.</param>
/// <param name="Replaces">The key before it; empty: it is the first. Each key is replaced once.</param>
/// <param name="X">Public, base64url.</param>
/// <param name="Y">Public, base64url.</param>
/// <param name="Sealed">The private half, sealed by <see cref="KeySeal"/>.</param>
internal sealed record SigningKey(string Id, string Replaces, string X, string Y, string Sealed, DateTimeOffset CreatedAt)
{
    /// <summary>The newest: the one that none replaces.</summary>
    public static SigningKey? Newest(IReadOnlyList<SigningKey> keys) =>
        keys.Where(key => !keys.Any(other => other.Replaces == key.Id)).MaxBy(key => key.CreatedAt);

    /// <summary>When tokens of this key ceased to be made; null: they still are.</summary>
    public DateTimeOffset? ReplacedAt(IReadOnlyList<SigningKey> keys) => keys.FirstOrDefault(other => other.Replaces == Id)?.CreatedAt;

    /// <summary>Those that tokens may still be checked by.</summary>
    public static IReadOnlyList<SigningKey> Published(IReadOnlyList<SigningKey> keys, TimeSpan keepFor, DateTimeOffset now) =>
        [.. keys.Where(key => !(key.ReplacedAt(keys) + keepFor <= now)).OrderByDescending(key => key.CreatedAt)];
}

/// <summary>A new key signs from now on.</summary>
internal sealed record SigningKeyMade(string KeyId, string Replaces, string X, string Y, DateTimeOffset At);

/// <summary>Seals private keys with a key of the database, which <c>Auth:Secret</c> wraps: a copy of the database signs nothing.</summary>
internal sealed class KeySeal(KeyRing keys)
{
    private byte[] Key => keys.Of("jwt-key");

    public SigningKey Make(string replaces, DateTimeOffset now)
    {
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
        var point = made.ExportParameters(includePrivateParameters: false).Q;
        var sealedKey = SealedBytes.Seal(Key, made.ExportPkcs8PrivateKey(), Encoding.UTF8.GetBytes(id));
        return new(id, replaces, Base64Url.EncodeToString(point.X), Base64Url.EncodeToString(point.Y), Base64Url.EncodeToString(sealedKey), now);
    }

    /// <summary>Null: it was sealed with another secret.</summary>
    public ECDsa? Open(SigningKey signing)
    {
        if (SealedBytes.Open(Key, Base64Url.DecodeFromChars(signing.Sealed), Encoding.UTF8.GetBytes(signing.Id)) is not { } secret)
            return null;
        var opened = ECDsa.Create();
        opened.ImportPkcs8PrivateKey(secret, out _);
        CryptographicOperations.ZeroMemory(secret);
        return opened;
    }
}
