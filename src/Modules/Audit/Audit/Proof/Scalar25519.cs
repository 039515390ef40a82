using System.Buffers.Binary;

namespace Modular.Audit;

/// <summary>
/// Numbers modulo L, the order of edwards25519's base point. Slower than it could be and short: bit by bit, the same
/// steps for every value.
/// </summary>
internal static class Scalar25519
{
    public const int Bytes = 32;

    private const int Words = 4;

    // L = 2²⁵² + 27742317777372353535851937790883648493, the lowest word first.
    private static readonly ulong[] Order = [0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000];

    /// <summary>The remainder of a number of any length, the lowest byte first.</summary>
    public static byte[] Reduced(ReadOnlySpan<byte> number)
    {
        Span<ulong> rest = stackalloc ulong[Words];
        rest.Clear();
        for (var at = (8 * number.Length) - 1; at >= 0; at--)
        {
            var carry = (ulong)(number[at / 8] >> (at % 8)) & 1;
            for (var word = 0; word < Words; word++)
                (rest[word], carry) = ((rest[word] << 1) | carry, rest[word] >> 63);
            Subtract(rest);
        }

        return Written(rest);
    }

    /// <summary><c>x · y + z</c>.</summary>
    public static byte[] MultiplyAdd(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y, ReadOnlySpan<byte> z)
    {
        Span<ulong> product = stackalloc ulong[2 * Words];
        product.Clear();
        for (var at = 0; at < Words; at++)
            product[at] = Word(z, at);
        for (var i = 0; i < Words; i++)
        {
            UInt128 carry = 0;
            for (var j = 0; j < Words; j++)
            {
                carry += Math.BigMul(Word(x, i), Word(y, j)) + product[i + j];
                product[i + j] = (ulong)carry;
                carry >>= 64;
            }

            for (var at = i + Words; at < product.Length; at++)
            {
                carry += product[at];
                product[at] = (ulong)carry;
                carry >>= 64;
            }
        }

        return Reduced(Written(product));
    }

    /// <summary>Whether it is below L: any other form of the same number would make two signatures of one.</summary>
    public static bool IsCanonical(ReadOnlySpan<byte> scalar) => scalar.SequenceEqual(Reduced(scalar));

    // Takes L off once when it fits. What is in is below 2L, so once is enough.
    private static void Subtract(Span<ulong> rest)
    {
        Span<ulong> less = stackalloc ulong[Words];
        var borrow = 0UL;
        for (var word = 0; word < Words; word++)
        {
            var difference = (UInt128)rest[word] - Order[word] - borrow;
            less[word] = (ulong)difference;
            borrow = (ulong)(difference >> 64) & 1;
        }

        var keep = 0UL - borrow;
        for (var word = 0; word < Words; word++)
            rest[word] = (rest[word] & keep) | (less[word] & ~keep);
    }

    private static ulong Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * at)..]);

    private static byte[] Written(ReadOnlySpan<ulong> words)
    {
        var bytes = new byte[8 * words.Length];
        for (var at = 0; at < words.Length; at++)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8 * at), words[at]);
        return bytes;
    }
}
