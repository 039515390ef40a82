using System.Formats.Cbor;

namespace Modular.Identity;

/// <summary>A public key as authenticators write it (RFC 9052).</summary>
internal static class CoseKey
{
    private const int KeyType = 1, Rsa = 3, Modulus = -1;
    private const int ShortestModulus = 2048 / 8, LongestModulus = 4096 / 8;

    /// <summary>Whether a key that the framework has read is worth its name: it takes RSA keys of any length.</summary>
    public static bool IsStrong(byte[] key)
    {
        var reader = new CborReader(key);
        var (type, modulus) = (0, 0);
        for (reader.ReadStartMap(); reader.PeekState() != CborReaderState.EndMap;)
        {
            var label = reader.ReadInt32();
            if (label == KeyType)
                type = reader.ReadInt32();
            else if (label == Modulus && reader.PeekState() == CborReaderState.ByteString)
                modulus = reader.ReadByteString().AsSpan().TrimStart((byte)0).Length;
            else
                reader.SkipValue();
        }

        return type != Rsa || modulus is >= ShortestModulus and <= LongestModulus;
    }
}
