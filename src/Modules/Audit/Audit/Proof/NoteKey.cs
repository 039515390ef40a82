using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Modular.Audit;

/// <summary>
/// A key that signatures of notes are checked by (C2SP signed-note): name, kind of signature, Ed25519 public key. As text
/// (a "vkey") it is <c>name+id+base64</c>.
/// </summary>
internal sealed record NoteKey(string Name, byte Kind, byte[] Public)
{
    /// <summary>Signs the text of a note.</summary>
    public const byte Ed25519Kind = 0x01;

    /// <summary>Signs a checkpoint and the time it was seen (C2SP tlog-cosignature).</summary>
    public const byte CosignatureKind = 0x04;

    /// <summary>The first four bytes of a hash over all of it: only a hint which key is meant.</summary>
    public uint Id { get; } = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes(Name), (byte)'\n', Kind, .. Public]));

    /// <summary>Whether it may stand in a signature line and in a vkey.</summary>
    public static bool IsName(string name) =>
        name.Length > 0 && !name.Any(c => c == '+' || char.IsWhiteSpace(c) || char.IsControl(c) || char.IsSurrogate(c));

    /// <summary>Null for what is no key of a kind that we know.</summary>
    public static NoteKey? Read(string text)
    {
        var parts = text.Split('+', 3);
        if (parts.Length != 3 || !IsName(parts[0]) || !uint.TryParse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id))
            return null;
        Span<byte> material = stackalloc byte[1 + Ed25519.KeyBytes];
        if (!Convert.TryFromBase64String(parts[2], material, out var length) || length != material.Length || material[0] is not (Ed25519Kind or CosignatureKind))
            return null;
        var key = new NoteKey(parts[0], material[0], material[1..].ToArray());
        return key.Id == id ? key : null;
    }

    public bool Equals(NoteKey? other) => other is not null && (Name, Kind, Id) == (other.Name, other.Kind, other.Id) && Public.AsSpan().SequenceEqual(other.Public);

    public override int GetHashCode() => HashCode.Combine(Name, Kind, Id);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}+{Id:x8}+{Convert.ToBase64String([Kind, .. Public])}");
}
