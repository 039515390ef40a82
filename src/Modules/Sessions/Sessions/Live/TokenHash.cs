using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Modular.Sessions;

/// <summary>SHA-256 of a token, as a value: a look-up by it allocates nothing.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct TokenHash : IEquatable<TokenHash>
{
    private readonly ulong a, b, c, d;

    private TokenHash(ReadOnlySpan<byte> hash) =>
        (a, b, c, d) = (Part(hash, 0), Part(hash, 1), Part(hash, 2), Part(hash, 3));

    /// <param name="token">The token's text in UTF-8.</param>
    public static TokenHash Of(ReadOnlySpan<byte> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, hash);
        return new TokenHash(hash);
    }

    /// <param name="hash">32 bytes.</param>
    public static TokenHash From(ReadOnlySpan<byte> hash) => new(hash);

    public bool Equals(TokenHash other) => a == other.a && b == other.b && c == other.c && d == other.d;

    public override bool Equals(object? obj) => obj is TokenHash other && Equals(other);

    // The hash of a random token is as evenly spread as anything made from it.
    public override int GetHashCode() => (int)a;

    private static ulong Part(ReadOnlySpan<byte> hash, int at) => MemoryMarshal.Read<ulong>(hash[(at * sizeof(ulong))..]);
}
