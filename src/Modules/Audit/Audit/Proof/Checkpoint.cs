using System.Globalization;

namespace Modular.Audit;

/// <summary>What a log says of itself: so many entries, with this Merkle tree hash (C2SP tlog-checkpoint).</summary>
internal sealed record Checkpoint(string Origin, long Size, byte[] Root)
{
    /// <summary>The text of its note.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");

    /// <summary>Null for what is none. Lines below the third are another log's extension; ours has none.</summary>
    public static Checkpoint? Read(string text)
    {
        if (text.Split('\n') is not [{ Length: > 0 } origin, var count, var encoded, .. var rest] || rest is not [.., ""])
            return null;
        var root = new byte[MerkleTree.HashBytes];
        return long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && count == size.ToString(CultureInfo.InvariantCulture)
            && encoded.Length == 44 && Convert.TryFromBase64String(encoded, root, out var length) && length == root.Length
            ? new Checkpoint(origin, size, root)
            : null;
    }

    public bool HasRoot(byte[] root) => Root.AsSpan().SequenceEqual(root);
}
