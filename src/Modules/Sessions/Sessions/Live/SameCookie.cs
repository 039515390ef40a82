using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Modular.Sessions;

/// <summary>
/// Compares cookies so that time tells nothing about those that are known: by a hash that is keyed anew in each process,
/// and where that agrees by all characters, wherever they differ.
/// </summary>
internal sealed class SameCookie : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<char>, string>
{
    public static readonly SameCookie Comparer = new();

    public bool Equals(string? x, string? y) => Equals(x.AsSpan(), y!);

    public bool Equals(ReadOnlySpan<char> alternate, string other) =>
        CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(alternate), MemoryMarshal.AsBytes(other.AsSpan()));

    public int GetHashCode(string obj) => GetHashCode(obj.AsSpan());

    public int GetHashCode(ReadOnlySpan<char> alternate) => string.GetHashCode(alternate);

    public string Create(ReadOnlySpan<char> alternate) => alternate.ToString();
}
