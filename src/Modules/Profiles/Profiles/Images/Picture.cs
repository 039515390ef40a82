using System.Buffers.Binary;

namespace Modular.Profiles;

/// <summary>
/// What bytes are by their own word: PNG, JPEG or WebP, and how large. Whatever the sender calls them does not count, and a
/// picture that is also a document (SVG) is none here.
/// </summary>
internal sealed record Picture(string Type, int Width, int Height)
{
    public const int LongestSide = 4096;

    private static ReadOnlySpan<byte> PngMark => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Null: none of the three, or its beginning is broken.</summary>
    public static Picture? Of(ReadOnlySpan<byte> bytes)
    {
        var picture = bytes switch
        {
            _ when bytes.StartsWith(PngMark) => Png(bytes),
            [0xFF, 0xD8, 0xFF, ..] => Jpeg(bytes),
            [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => WebP(bytes),
            _ => null,
        };
        return picture is { Width: > 0, Height: > 0 } ? picture : null;
    }

    // The first chunk is IHDR: length 13, its name, width, height.
    private static Picture? Png(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 33 && BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) == 13 && bytes[12..16].SequenceEqual("IHDR"u8)
            ? new("image/png", BinaryPrimitives.ReadInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadInt32BigEndian(bytes[20..]))
            : null;

    // Segment by segment to the start of frame, which tells the size.
    private static Picture? Jpeg(ReadOnlySpan<byte> bytes)
    {
        for (var at = 2; at + 9 < bytes.Length;)
        {
            if (bytes[at] != 0xFF)
                return null;
            var marker = bytes[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2 || marker is 0xD9 or 0xDA)
                return null;
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return new(
                    "image/jpeg", BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 5)..]));
            }

            at += 2 + length;
        }

        return null;
    }

    private static Picture? WebP(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 30)
            return null;
        var data = bytes[20..];
        var (width, height) = bytes[12..16] switch
        {
            var name when name.SequenceEqual("VP8X"u8) => (1 + UInt24(data[4..]), 1 + UInt24(data[7..])),
            var name when name.SequenceEqual("VP8L"u8) && data[0] == 0x2F => Lossless(BinaryPrimitives.ReadUInt32LittleEndian(data[1..])),
            var name when name.SequenceEqual("VP8 "u8) && data[3..6].SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A]) =>
                (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF),
            _ => (0, 0),
        };
        return new("image/webp", width, height);
    }

    private static (int Width, int Height) Lossless(uint bits) => ((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);

    private static int UInt24(ReadOnlySpan<byte> bytes) => bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
}
