using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Modular.Audit;

/// <summary>One line below a note: <c>— name base64(id, signature)</c>.</summary>
internal sealed record NoteSignature(string Name, uint KeyId, byte[] Signature)
{
    private const string Dash = "\u2014 ";

    public static NoteSignature? Read(string line)
    {
        if (!line.StartsWith(Dash, StringComparison.Ordinal) || line[Dash.Length..].Split(' ') is not [var name, var encoded] || !NoteKey.IsName(name))
            return null;
        var bytes = new byte[encoded.Length];
        return Convert.TryFromBase64String(encoded, bytes, out var length) && length > sizeof(uint)
            ? new(name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[sizeof(uint)..length])
            : null;
    }

    public bool IsOf(NoteKey key) => (Name, KeyId) == (key.Name, key.Id);

    public override string ToString()
    {
        var bytes = new byte[sizeof(uint) + Signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, KeyId);
        Signature.CopyTo(bytes, sizeof(uint));
        return $"{Dash}{Name} {Convert.ToBase64String(bytes)}";
    }
}

/// <summary>A text and who signed it (C2SP signed-note).</summary>
/// <param name="Text">Ends with a line break.</param>
internal sealed record SignedNote(string Text, IReadOnlyList<NoteSignature> Signatures)
{
    private const int MostSignatures = 64;
    private const int CosignatureBytes = sizeof(ulong) + Ed25519.SignatureBytes;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Signs for a key of <see cref="NoteKey.Ed25519Kind"/>.</summary>
    public static NoteSignature Sign(string text, NoteKey key, ReadOnlySpan<byte> secret) =>
        new(key.Name, key.Id, Ed25519.Sign(secret, Strict.GetBytes(text)));

    /// <summary>Null for what is no signed note.</summary>
    public static SignedNote? Read(string note)
    {
        if (note.Any(c => c < ' ' && c != '\n') || !note.EndsWith('\n'))
            return null;
        // The last empty line: a text may have some of its own.
        var end = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        // No line below it is no signature, and half a character is none that could be signed.
        if (end < 0 || end + 2 >= note.Length || note.EnumerateRunes().Any(rune => rune == Rune.ReplacementChar))
            return null;
        var lines = note[(end + 2)..^1].Split('\n');
        if (lines.Length > MostSignatures)
            return null;
        var signatures = lines.Select(NoteSignature.Read).OfType<NoteSignature>().ToList();
        return signatures.Count == lines.Length ? new(note[..(end + 1)], signatures) : null;
    }

    public override string ToString() => $"{Text}\n{string.Concat(Signatures.Select(signature => $"{signature}\n"))}";

    /// <summary>
    /// Whether it is signed by one of these keys. A signature that claims to be of one of them and is not spoils the note;
    /// those of others say nothing.
    /// </summary>
    public bool IsSignedBy(IEnumerable<NoteKey> keys)
    {
        var known = keys.ToList();
        var checks = Signatures
            .Select(signature => (signature, key: known.FirstOrDefault(signature.IsOf)))
            .Where(pair => pair.key is not null)
            .Select(pair => IsRight(pair.signature, pair.key!)).ToList();
        return checks.Count > 0 && checks.TrueForAll(isRight => isRight);
    }

    /// <summary>When a cosigner says it has seen the note; null for a signature of another kind.</summary>
    public static DateTimeOffset? SeenAt(NoteSignature signature) =>
        signature.Signature.Length == CosignatureBytes && BinaryPrimitives.ReadUInt64BigEndian(signature.Signature) is var seconds
        && seconds <= (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
            : null;

    public bool IsRight(NoteSignature signature, NoteKey key)
    {
        if (key.Kind != NoteKey.CosignatureKind)
            return Ed25519.Verify(key.Public, Strict.GetBytes(Text), signature.Signature);
        return SeenAt(signature) is { } seen
            && Ed25519.Verify(key.Public, CosignedText(Text, seen), signature.Signature.AsSpan(sizeof(ulong)..));
    }

    /// <summary>What a cosigner signs (tlog-cosignature, cosignature/v1).</summary>
    public static byte[] CosignedText(string text, DateTimeOffset seen) =>
        Strict.GetBytes(string.Create(CultureInfo.InvariantCulture, $"cosignature/v1\ntime {seen.ToUnixTimeSeconds()}\n{text}"));
}
