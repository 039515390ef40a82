namespace Modular.Audit;

/// <summary>Checks proofs as RFC 6962 (and RFC 9162 §2.1.3.2, §2.1.4.2, for the algorithms) says.</summary>
internal static class MerkleProof
{
    /// <summary>The root that a tree of this size has if the leaf is in it at the position; null when the proof has another length.</summary>
    public static byte[]? RootOf(byte[] leafHash, long position, long size, IReadOnlyList<byte[]> path)
    {
        if (position < 0 || position >= size)
            return null;
        var (node, last, root) = (position, size - 1, leafHash);
        foreach (var hash in path)
        {
            if (last == 0)
                return null;
            if ((node & 1) == 1 || node == last)
            {
                root = MerkleTree.NodeHash(hash, root);
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                root = MerkleTree.NodeHash(root, hash);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 ? root : null;
    }

    /// <summary>Whether the newer tree begins with all of the older one.</summary>
    public static bool IsConsistent(long from, byte[] fromRoot, long to, byte[] toRoot, IReadOnlyList<byte[]> proof)
    {
        if (from > to || from < 0)
            return false;
        if (from == to)
            return proof.Count == 0 && fromRoot.AsSpan().SequenceEqual(toRoot);
        if (from == 0)
            return proof.Count == 0;
        IReadOnlyList<byte[]> path = (from & (from - 1)) == 0 ? [fromRoot, .. proof] : proof;
        if (path.Count == 0)
            return false;
        var (node, last) = (from - 1, to - 1);
        while ((node & 1) == 1)
            (node, last) = (node >> 1, last >> 1);
        var (older, newer) = (path[0], path[0]);
        foreach (var hash in path.Skip(1))
        {
            if (last == 0)
                return false;
            if ((node & 1) == 1 || node == last)
            {
                (older, newer) = (MerkleTree.NodeHash(hash, older), MerkleTree.NodeHash(hash, newer));
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                newer = MerkleTree.NodeHash(newer, hash);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && older.AsSpan().SequenceEqual(fromRoot) && newer.AsSpan().SequenceEqual(toRoot);
    }
}
