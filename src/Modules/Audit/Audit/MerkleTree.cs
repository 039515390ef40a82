using System.Security.Cryptography;

namespace Modular.Audit;

/// <summary>
/// The Merkle tree hash of RFC 6962 §2.1, grown leaf by leaf: it keeps the roots of the complete subtrees from the left,
/// largest first (the right edge), so a million leaves cost twenty hashes of memory.
/// </summary>
internal sealed class MerkleTree
{
    public const int HashBytes = 32;

    private readonly List<byte[]> _subtrees = [];

    public MerkleTree()
    {
    }

    /// <summary>Goes on where a tree of that size stood.</summary>
    /// <param name="rightEdge">What <see cref="RightEdge"/> was.</param>
    public MerkleTree(long size, IEnumerable<byte[]> rightEdge)
    {
        Size = size;
        _subtrees.AddRange(rightEdge);
        if (_subtrees.Count != System.Numerics.BitOperations.PopCount((ulong)size))
            throw new ArgumentException($"A tree of {size} leaves has another number of complete subtrees than {_subtrees.Count}.", nameof(rightEdge));
    }

    public long Size { get; private set; }

    /// <summary>The roots of the complete subtrees, largest first: one for each bit set in <see cref="Size"/>.</summary>
    public IReadOnlyList<byte[]> RightEdge => _subtrees;

    public static byte[] LeafHash(ReadOnlySpan<byte> leaf)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0x00]);
        hash.AppendData(leaf);
        return hash.GetHashAndReset();
    }

    public static byte[] NodeHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> node = stackalloc byte[1 + (2 * HashBytes)];
        node[0] = 0x01;
        left.CopyTo(node[1..]);
        right.CopyTo(node[(1 + HashBytes)..]);
        return SHA256.HashData(node);
    }

    public void Append(byte[] leafHash)
    {
        // Each bit that the addition carries over joins two subtrees of the same size.
        var hash = leafHash;
        for (var size = Size; (size & 1) == 1; size >>= 1)
        {
            hash = NodeHash(_subtrees[^1], hash);
            _subtrees.RemoveAt(_subtrees.Count - 1);
        }

        _subtrees.Add(hash);
        Size++;
    }

    public byte[] Root()
    {
        if (Size == 0)
            return SHA256.HashData([]);
        var root = _subtrees[^1];
        for (var at = _subtrees.Count - 2; at >= 0; at--)
            root = NodeHash(_subtrees[at], root);
        return root;
    }
}
