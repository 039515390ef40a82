using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Modular.Audit;

/// <summary>
/// A number modulo p = 2²⁵⁵ − 19, in five limbs of 51 bits. No branch and no index depends on its value. After every
/// operation each limb is below 2⁵², so that products of sums cannot overflow 128 bits.
/// </summary>
internal readonly struct Field25519
{
    public const int Bytes = 32;

    private const int LimbBits = 51;
    private const ulong Limb = (1UL << LimbBits) - 1;

    public static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    public static readonly Field25519 Zero = From(0);
    public static readonly Field25519 One = From(1);

    private readonly ulong a, b, c, d, e;

    // One pass of carries; what leaves on the left comes back on the right, because 2²⁵⁵ is 19.
    private Field25519(ulong a, ulong b, ulong c, ulong d, ulong e)
    {
        b += a >> LimbBits;
        c += b >> LimbBits;
        d += c >> LimbBits;
        e += d >> LimbBits;
        this.a = (a & Limb) + (19 * (e >> LimbBits));
        this.b = b & Limb;
        this.c = c & Limb;
        this.d = d & Limb;
        this.e = e & Limb;
    }

    // 4p is added first, so that no limb falls below zero.
    public static Field25519 operator -(in Field25519 x, in Field25519 y) => new(
        x.a + (4 * (Limb - 18)) - y.a, x.b + (4 * Limb) - y.b, x.c + (4 * Limb) - y.c, x.d + (4 * Limb) - y.d, x.e + (4 * Limb) - y.e);

    public static Field25519 operator +(in Field25519 x, in Field25519 y) =>
        new(x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d, x.e + y.e);

    public static Field25519 operator *(in Field25519 x, in Field25519 y)
    {
        var (b19, c19, d19, e19) = (19 * y.b, 19 * y.c, 19 * y.d, 19 * y.e);
        var r0 = Product(x.a, y.a) + Product(x.b, e19) + Product(x.c, d19) + Product(x.d, c19) + Product(x.e, b19);
        var r1 = Product(x.a, y.b) + Product(x.b, y.a) + Product(x.c, e19) + Product(x.d, d19) + Product(x.e, c19);
        var r2 = Product(x.a, y.c) + Product(x.b, y.b) + Product(x.c, y.a) + Product(x.d, e19) + Product(x.e, d19);
        var r3 = Product(x.a, y.d) + Product(x.b, y.c) + Product(x.c, y.b) + Product(x.d, y.a) + Product(x.e, e19);
        var r4 = Product(x.a, y.e) + Product(x.b, y.d) + Product(x.c, y.c) + Product(x.d, y.b) + Product(x.e, y.a);
        r1 += (ulong)(r0 >> LimbBits);
        r2 += (ulong)(r1 >> LimbBits);
        r3 += (ulong)(r2 >> LimbBits);
        r4 += (ulong)(r3 >> LimbBits);
        var low = Product((ulong)(r4 >> LimbBits), 19) + ((ulong)r0 & Limb);
        return new((ulong)low & Limb, ((ulong)r1 & Limb) + (ulong)(low >> LimbBits), (ulong)r2 & Limb, (ulong)r3 & Limb, (ulong)r4 & Limb);
    }

    public static Field25519 From(BigInteger value)
    {
        Span<byte> bytes = stackalloc byte[Bytes + 1];
        BigInteger.ModPow(value, 1, P).TryWriteBytes(bytes, out _, isUnsigned: true);
        return Read(bytes[..Bytes]);
    }

    /// <summary>From 32 bytes, the lowest first; the highest bit is left out.</summary>
    public static Field25519 Read(ReadOnlySpan<byte> bytes)
    {
        var (w0, w1, w2, w3) = (Word(bytes, 0), Word(bytes, 1), Word(bytes, 2), Word(bytes, 3));
        return new(w0 & Limb, ((w0 >> 51) | (w1 << 13)) & Limb, ((w1 >> 38) | (w2 << 26)) & Limb, ((w2 >> 25) | (w3 << 39)) & Limb, (w3 >> 12) & Limb);
    }

    /// <summary>The one representation that is below p.</summary>
    public void Write(Span<byte> bytes)
    {
        var x = new Field25519(a, b, c, d, e);
        // Whether x + 19 reaches 2²⁵⁵, that is, whether x is p or more: then p is taken off, by adding 19 and leaving out 2²⁵⁵.
        var isOver = Sum(x, 19, out _);
        Sum(x, 19 * isOver, out x);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, x.a | (x.b << 51));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], (x.b >> 13) | (x.c << 38));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], (x.c >> 26) | (x.d << 25));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], (x.d >> 39) | (x.e << 12));
    }

    public bool Is(in Field25519 other)
    {
        Span<byte> own = stackalloc byte[Bytes];
        Span<byte> others = stackalloc byte[Bytes];
        Write(own);
        other.Write(others);
        return CryptographicOperations.FixedTimeEquals(own, others);
    }

    /// <summary>1 when the canonical value is odd: RFC 8032's "negative".</summary>
    public int Sign()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        Write(bytes);
        return bytes[0] & 1;
    }

    public Field25519 Negated() => Zero - this;

    /// <summary>To the power of p − 2.</summary>
    public Field25519 Inverted()
    {
        var (ones, eleventh) = Ones();
        return ones.Squared(5) * eleventh;
    }

    /// <summary>To the power of (p − 5) / 8, for square roots.</summary>
    public Field25519 RootPower() => Ones().Power.Squared(2) * this;

    /// <summary><paramref name="one"/> where the mask is all ones, <paramref name="other"/> where it is zero.</summary>
    public static Field25519 Select(ulong mask, in Field25519 one, in Field25519 other) => new(
        (one.a & mask) | (other.a & ~mask), (one.b & mask) | (other.b & ~mask), (one.c & mask) | (other.c & ~mask),
        (one.d & mask) | (other.d & ~mask), (one.e & mask) | (other.e & ~mask));

    // The sum's lowest 255 bits, and the bit above them.
    private static ulong Sum(in Field25519 x, ulong small, out Field25519 sum)
    {
        var a = x.a + small;
        var b = x.b + (a >> LimbBits);
        var c = x.c + (b >> LimbBits);
        var d = x.d + (c >> LimbBits);
        var e = x.e + (d >> LimbBits);
        sum = new(a & Limb, b & Limb, c & Limb, d & Limb, e & Limb);
        return e >> LimbBits;
    }

    // To the power of 2²⁵⁰ − 1, and of 11: each step doubles the number of ones of the exponent.
    private (Field25519 Power, Field25519 Eleventh) Ones()
    {
        var two = this * this;
        var nine = two.Squared(2) * this;
        var eleven = nine * two;
        var five = (eleven * eleven) * nine;
        var ten = five.Squared(5) * five;
        var twenty = ten.Squared(10) * ten;
        var fifty = twenty.Squared(20) * twenty;
        fifty = fifty.Squared(10) * ten;
        var hundred = fifty.Squared(50) * fifty;
        return ((hundred.Squared(100) * hundred).Squared(50) * fifty, eleven);
    }

    private Field25519 Squared(int times)
    {
        var x = this;
        for (; times > 0; times--)
            x *= x;
        return x;
    }

    private static ulong Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * at)..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static UInt128 Product(ulong x, ulong y) => Math.BigMul(x, y);
}
