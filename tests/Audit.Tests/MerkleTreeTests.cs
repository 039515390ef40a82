using System.Security.Cryptography;

namespace Modular.Audit.Tests;

/// <summary>The vectors that Certificate Transparency's own tests use.</summary>
public sealed class MerkleTreeTests
{
    private static readonly string[] Leaves =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    [Theory]
    [InlineData(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    [InlineData(4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    [InlineData(6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")]
    [InlineData(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    [InlineData(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    public void The_root_of_the_first_leaves_is_the_published_one(int size, string root)
    {
        var tree = new MerkleTree();
        foreach (var leaf in Leaves.Take(size))
            tree.Append(MerkleTree.LeafHash(Convert.FromHexString(leaf)));
        Assert.Equal((size, root), (tree.Size, Convert.ToHexStringLower(tree.Root())));
    }

    [Fact]
    public void A_tree_of_any_size_has_the_root_that_the_definition_gives()
    {
        var leaves = new List<byte[]>();
        var tree = new MerkleTree();
        for (var size = 1; size <= 300; size++)
        {
            leaves.Add(MerkleTree.LeafHash(BitConverter.GetBytes(size)));
            tree.Append(leaves[^1]);
            Assert.Equal(Definition(leaves), tree.Root());
        }
    }

    [Fact]
    public void A_tree_goes_on_from_its_right_edge()
    {
        var whole = new MerkleTree();
        for (var at = 0; at < 100; at++)
            whole.Append(MerkleTree.LeafHash(BitConverter.GetBytes(at)));
        var rest = new MerkleTree(whole.Size, whole.RightEdge);
        foreach (var tree in new[] { whole, rest })
            tree.Append(MerkleTree.LeafHash([1, 2, 3]));
        Assert.Equal(whole.Root(), rest.Root());
    }

    [Fact]
    public void A_right_edge_of_another_size_is_refused() =>
        Assert.Throws<ArgumentException>(() => new MerkleTree(3, [new byte[32]]));

    // RFC 6962 §2.1 word for word: split at the largest power of two below the number of leaves.
    private static byte[] Definition(List<byte[]> leafHashes)
    {
        if (leafHashes.Count == 1)
            return leafHashes[0];
        var half = 1;
        while (half * 2 < leafHashes.Count)
            half *= 2;
        return SHA256.HashData([1, .. Definition(leafHashes[..half]), .. Definition(leafHashes[half..])]);
    }
}
