using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Modular.Identity;

/// <summary>
/// scrypt, RFC 7914; the framework has none. Only to verify hashes that were imported: new ones are
/// <see cref="PasswordHash"/>'s own.
/// </summary>
internal static class Scrypt
{
    private const int SalsaWords = 16;

    /// <param name="password">Bytes of the password.</param>
    /// <param name="salt">Bytes of the salt.</param>
    /// <param name="n">CPU and memory cost, a power of two: 128 × <paramref name="r"/> × N bytes are used.</param>
    /// <param name="r">Block size.</param>
    /// <param name="p">Parallelisation; done one after the other here.</param>
    /// <param name="length">Bytes wanted.</param>
    public static byte[] DeriveKey(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int n, int r, int p, int length)
    {
        if (n < 2 || !BitOperations.IsPow2(n))
            throw new ArgumentOutOfRangeException(nameof(n), n, "A power of two above one.");
        var blockBytes = 128 * r;
        var blocks = Rfc2898DeriveBytes.Pbkdf2(password, salt, 1, HashAlgorithmName.SHA256, p * blockBytes);
        var memory = GC.AllocateUninitializedArray<uint>(checked(n * 32 * r));
        var x = new uint[32 * r];
        var y = new uint[32 * r];
        for (var i = 0; i < p; i++)
        {
            var block = blocks.AsSpan(i * blockBytes, blockBytes);
            Read(block, x);
            Mix(x, y, memory, n);
            Write(x, block);
        }

        return Rfc2898DeriveBytes.Pbkdf2(password, blocks, 1, HashAlgorithmName.SHA256, length);
    }

    /// <summary>The core function Salsa20/8, RFC 7914 §3, in place.</summary>
    internal static void Salsa(Span<uint> block)
    {
        Span<uint> x = stackalloc uint[SalsaWords];
        block.CopyTo(x);
        for (var round = 0; round < 8; round += 2)
        {
            QuarterRound(ref x[0], ref x[4], ref x[8], ref x[12]);
            QuarterRound(ref x[5], ref x[9], ref x[13], ref x[1]);
            QuarterRound(ref x[10], ref x[14], ref x[2], ref x[6]);
            QuarterRound(ref x[15], ref x[3], ref x[7], ref x[11]);
            QuarterRound(ref x[0], ref x[1], ref x[2], ref x[3]);
            QuarterRound(ref x[5], ref x[6], ref x[7], ref x[4]);
            QuarterRound(ref x[10], ref x[11], ref x[8], ref x[9]);
            QuarterRound(ref x[15], ref x[12], ref x[13], ref x[14]);
        }

        for (var i = 0; i < SalsaWords; i++)
            block[i] += x[i];
    }

    // ROMix, RFC 7914 §5.
    private static void Mix(uint[] x, uint[] y, uint[] memory, int n)
    {
        var words = x.Length;
        for (var i = 0; i < n; i++)
        {
            x.CopyTo(memory.AsSpan(i * words, words));
            MixBlock(x, y);
            (x, y) = (y, x);
        }

        for (var i = 0; i < n; i++)
        {
            // Integerify: the first word of the last 64 bytes, modulo a power of two.
            var j = (int)(x[^SalsaWords] & (uint)(n - 1));
            Xor(x, memory.AsSpan(j * words, words));
            MixBlock(x, y);
            (x, y) = (y, x);
        }

        // N is even, and so is the number of swaps of each loop: the result is where the caller looks for it.
    }

    // BlockMix, RFC 7914 §4: even blocks to the front half, odd ones to the back half.
    private static void MixBlock(ReadOnlySpan<uint> from, Span<uint> to)
    {
        Span<uint> x = stackalloc uint[SalsaWords];
        from[^SalsaWords..].CopyTo(x);
        var blocks = from.Length / SalsaWords;
        for (var i = 0; i < blocks; i++)
        {
            Xor(x, from.Slice(i * SalsaWords, SalsaWords));
            Salsa(x);
            x.CopyTo(to[(((i / 2) + (i % 2 * (blocks / 2))) * SalsaWords)..]);
        }
    }

    private static void QuarterRound(ref uint a, ref uint b, ref uint c, ref uint d)
    {
        b ^= BitOperations.RotateLeft(a + d, 7);
        c ^= BitOperations.RotateLeft(b + a, 9);
        d ^= BitOperations.RotateLeft(c + b, 13);
        a ^= BitOperations.RotateLeft(d + c, 18);
    }

    private static void Xor(Span<uint> into, ReadOnlySpan<uint> other)
    {
        var wide = MemoryMarshal.Cast<uint, Vector<uint>>(into);
        var otherWide = MemoryMarshal.Cast<uint, Vector<uint>>(other);
        for (var i = 0; i < wide.Length; i++)
            wide[i] ^= otherWide[i];
        for (var i = wide.Length * Vector<uint>.Count; i < into.Length; i++)
            into[i] ^= other[i];
    }

    private static void Read(ReadOnlySpan<byte> bytes, Span<uint> words)
    {
        for (var i = 0; i < words.Length; i++)
            words[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * i)..]);
    }

    private static void Write(ReadOnlySpan<uint> words, Span<byte> bytes)
    {
        for (var i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[(4 * i)..], words[i]);
    }
}
