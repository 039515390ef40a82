using System.Security.Cryptography;

namespace Modular.Audit;

/// <summary>
/// Ed25519 (RFC 8032 §5.1), which the open log formats demand and the framework does not have. Ours, because the system's
/// OpenSSL is not there on Windows and macOS. Signing takes the same steps whatever the key; verifying takes only the
/// canonical forms of keys and signatures.
/// </summary>
internal static class Ed25519
{
    public const int KeyBytes = 32;
    public const int SignatureBytes = 64;

    /// <param name="secret">The 32 random bytes that are the private key.</param>
    public static byte[] PublicKey(ReadOnlySpan<byte> secret)
    {
        var expanded = Expanded(secret);
        var key = Encoded(Point25519.BaseTimes(expanded.AsSpan(..KeyBytes)));
        CryptographicOperations.ZeroMemory(expanded);
        return key;
    }

    public static byte[] Sign(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> message)
    {
        var expanded = Expanded(secret);
        var scalar = expanded.AsSpan(..KeyBytes);
        var publicKey = Encoded(Point25519.BaseTimes(scalar));
        var nonce = Scalar25519.Reduced(Hash(expanded.AsSpan(KeyBytes..), message, []));
        var point = Encoded(Point25519.BaseTimes(nonce));
        var challenge = Scalar25519.Reduced(Hash(point, publicKey, message));
        byte[] signature = [.. point, .. Scalar25519.MultiplyAdd(challenge, scalar, nonce)];
        CryptographicOperations.ZeroMemory(nonce);
        CryptographicOperations.ZeroMemory(expanded);
        return signature;
    }

    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureBytes || !Scalar25519.IsCanonical(signature[KeyBytes..]) || Point25519.Read(publicKey) is not { } key)
            return false;
        var challenge = Scalar25519.Reduced(Hash(signature[..KeyBytes], publicKey, message));
        // R = SB − kA, compared as it is written: another encoding of the same point is another signature.
        var point = Point25519.PublicSum(signature[KeyBytes..], key.Negated(), challenge);
        return Encoded(point).AsSpan().SequenceEqual(signature[..KeyBytes]);
    }

    private static byte[] Expanded(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != KeyBytes)
            throw new ArgumentException($"A private key has {KeyBytes} bytes, not {secret.Length}.", nameof(secret));
        var expanded = SHA512.HashData(secret);
        expanded[0] &= 0xF8;
        expanded[31] &= 0x7F;
        expanded[31] |= 0x40;
        return expanded;
    }

    private static byte[] Encoded(in Point25519 point)
    {
        var bytes = new byte[KeyBytes];
        point.Write(bytes);
        return bytes;
    }

    private static byte[] Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        hash.AppendData(first);
        hash.AppendData(second);
        hash.AppendData(third);
        return hash.GetHashAndReset();
    }
}
