using System.Numerics;

namespace Modular.Audit;

/// <summary>A point of edwards25519 (RFC 8032 §5.1) in extended coordinates: x = X/Z, y = Y/Z, xy = T/Z.</summary>
internal readonly struct Point25519
{
    private const int WindowBits = 4;
    private const int Multiples = 1 << WindowBits;

    private static readonly BigInteger DValue = -121665 * BigInteger.ModPow(121666, Field25519.P - 2, Field25519.P);
    private static readonly Field25519 D = Field25519.From(Positive(DValue));
    private static readonly Field25519 TwoD = Field25519.From(Positive(2 * DValue));
    private static readonly Field25519 RootOfMinusOne = Field25519.From(BigInteger.ModPow(2, (Field25519.P - 1) / 4, Field25519.P));

    public static readonly Point25519 Identity = new(Field25519.Zero, Field25519.One, Field25519.One, Field25519.Zero);

    /// <summary>The base point: y = 4/5, x even.</summary>
    public static readonly Point25519 Base = BasePoint();

    private static readonly Point25519[] BaseMultiples = Base.Table();

    private readonly Field25519 x, y, z, t;

    private Point25519(in Field25519 x, in Field25519 y, in Field25519 z, in Field25519 t) =>
        (this.x, this.y, this.z, this.t) = (x, y, z, t);

    // Complete on this curve: right for any two points, equal ones and the identity too.
    public static Point25519 operator +(in Point25519 p, in Point25519 q)
    {
        var a = (p.y - p.x) * (q.y - q.x);
        var b = (p.y + p.x) * (q.y + q.x);
        var c = p.t * TwoD * q.t;
        var d = (p.z + p.z) * q.z;
        var (e, f, g, h) = (b - a, d - c, d + c, b + a);
        return new(e * f, g * h, f * g, e * h);
    }

    public Point25519 Doubled()
    {
        var (a, b, zz, sum) = (x * x, y * y, z * z, x + y);
        var h = a + b;
        var (e, g) = (h - (sum * sum), a - b);
        var f = zz + zz + g;
        return new(e * f, g * h, f * g, e * h);
    }

    public Point25519 Negated() => new(x.Negated(), y, z, t.Negated());

    /// <summary>A multiple of the base point, for secret scalars: reads all of the table at each step, and never branches.</summary>
    /// <param name="scalar">32 bytes, the lowest first.</param>
    public static Point25519 BaseTimes(ReadOnlySpan<byte> scalar)
    {
        var sum = Identity;
        for (var at = (2 * scalar.Length) - 1; at >= 0; at--)
            sum = sum.Doubled().Doubled().Doubled().Doubled() + Chosen(BaseMultiples, Window(scalar, at));
        return sum;
    }

    /// <summary>A multiple of the base point and one of another, for what everybody may know.</summary>
    public static Point25519 PublicSum(ReadOnlySpan<byte> ofBase, in Point25519 other, ReadOnlySpan<byte> ofOther)
    {
        var table = other.Table();
        var sum = Identity;
        for (var at = (2 * ofBase.Length) - 1; at >= 0; at--)
        {
            sum = sum.Doubled().Doubled().Doubled().Doubled();
            if (Window(ofBase, at) is > 0 and var first)
                sum += BaseMultiples[first];
            if (Window(ofOther, at) is > 0 and var second)
                sum += table[second];
        }

        return sum;
    }

    /// <summary>RFC 8032 §5.1.2: y, and the sign of x in the highest bit.</summary>
    public void Write(Span<byte> bytes)
    {
        var inverse = z.Inverted();
        (y * inverse).Write(bytes);
        bytes[^1] |= (byte)((x * inverse).Sign() << 7);
    }

    /// <summary>RFC 8032 §5.1.3; null for what is no point, or written in another way than <see cref="Write"/> does.</summary>
    public static Point25519? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Field25519.Bytes)
            return null;
        var (y, sign) = (Field25519.Read(bytes), bytes[^1] >> 7);
        var yy = y * y;
        var (u, v) = (yy - Field25519.One, (D * yy) + Field25519.One);
        var v3 = v * v * v;
        var x = u * v3 * (u * v3 * v3 * v).RootPower();
        var check = v * x * x;
        if (check.Is(u.Negated()))
            x *= RootOfMinusOne;
        else if (!check.Is(u))
            return null;
        x = x.Sign() == sign ? x : x.Negated();
        var point = new Point25519(x, y, Field25519.One, x * y);
        // Also tells y of p and more from y, and −0 from 0.
        Span<byte> canonical = stackalloc byte[Field25519.Bytes];
        point.Write(canonical);
        return canonical.SequenceEqual(bytes) ? point : null;
    }

    private static Point25519 BasePoint()
    {
        Span<byte> bytes = stackalloc byte[Field25519.Bytes];
        Field25519.From(4 * BigInteger.ModPow(5, Field25519.P - 2, Field25519.P)).Write(bytes);
        return Read(bytes)!.Value;
    }

    private Point25519[] Table()
    {
        var table = new Point25519[Multiples];
        table[0] = Identity;
        for (var at = 1; at < table.Length; at++)
            table[at] = table[at - 1] + this;
        return table;
    }

    private static Point25519 Chosen(Point25519[] table, int wanted)
    {
        var chosen = table[0];
        for (var at = 1; at < table.Length; at++)
        {
            // All ones when it is the wanted one: only then does subtracting one from the difference borrow.
            var mask = 0UL - (((ulong)(uint)(at ^ wanted) - 1) >> 63);
            chosen = new(
                Field25519.Select(mask, table[at].x, chosen.x), Field25519.Select(mask, table[at].y, chosen.y),
                Field25519.Select(mask, table[at].z, chosen.z), Field25519.Select(mask, table[at].t, chosen.t));
        }

        return chosen;
    }

    private static int Window(ReadOnlySpan<byte> scalar, int at) => (scalar[at / 2] >> (WindowBits * (at % 2))) & (Multiples - 1);

    private static BigInteger Positive(BigInteger value) => ((value % Field25519.P) + Field25519.P) % Field25519.P;
}
