using System.Numerics;

namespace Modular.Audit;

/// <summary>Leaves from <paramref name="Start"/> to before <paramref name="End"/>.</summary>
internal readonly record struct LeafRange(long Start, long End)
{
    public long Count => End - Start;
}

/// <summary>Which hashes prove something: RFC 6962 §2.1, by the leaves they are over.</summary>
internal static class MerkleRanges
{
    /// <summary>The complete subtrees that a range consists of, left to right; the range begins where one of them may.</summary>
    public static IEnumerable<LeafRange> Complete(LeafRange range)
    {
        for (var start = range.Start; start < range.End;)
        {
            var size = 1L << BitOperations.Log2((ulong)(range.End - start));
            yield return new LeafRange(start, start + size);
            start += size;
        }
    }

    /// <summary>PATH(position, D[size]), from the leaf up.</summary>
    public static IReadOnlyList<LeafRange> Inclusion(long position, long size)
    {
        var path = new List<LeafRange>();
        var tree = new LeafRange(0, size);
        while (tree.Count > 1)
        {
            var (left, right) = Halves(tree);
            path.Insert(0, position < right.Start ? right : left);
            tree = position < right.Start ? left : right;
        }

        return path;
    }

    /// <summary>PROOF(from, D[to]); empty where there is nothing to prove: from nothing, or to itself.</summary>
    public static IReadOnlyList<LeafRange> Consistency(long from, long to)
    {
        var proof = new List<LeafRange>();
        var (tree, isWhole) = (new LeafRange(0, to), true);
        if (from == 0 || from == to)
            return proof;
        while (tree.End != from)
        {
            var (left, right) = Halves(tree);
            if (from <= left.End)
            {
                proof.Insert(0, right);
                tree = left;
            }
            else
            {
                proof.Insert(0, left);
                (tree, isWhole) = (right, false);
            }
        }

        // What the old tree was as a whole, its verifier knows.
        if (!isWhole)
            proof.Insert(0, tree);
        return proof;
    }

    private static (LeafRange Left, LeafRange Right) Halves(LeafRange tree)
    {
        // The largest power of two below the number of leaves.
        var middle = tree.Start + (1L << BitOperations.Log2((ulong)(tree.Count - 1)));
        return (tree with { End = middle }, tree with { Start = middle });
    }
}
