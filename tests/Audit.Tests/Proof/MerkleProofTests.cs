namespace Modular.Audit.Tests;

public sealed class MerkleProofTests
{
    private static readonly byte[][] Leaves = [.. new[] { "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f" }
        .Select(leaf => MerkleTree.LeafHash(Convert.FromHexString(leaf)))];

    private static readonly byte[] Foreign = MerkleTree.LeafHash([9, 9]);

    /// <summary>The inclusion proofs of Certificate Transparency's own tests; positions from 0.</summary>
    [Theory]
    [InlineData(0, 1, "")]
    [InlineData(0, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(5, 8, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(1, 5, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")]
    public void The_published_inclusion_proofs_are_ours(int position, int size, string proof)
    {
        var path = MerkleRanges.Inclusion(position, size).Select(Hash).ToList();
        Assert.Equal(proof, string.Join(' ', path.Select(Convert.ToHexStringLower)));
        Assert.Equal(Hash(new LeafRange(0, size)), MerkleProof.RootOf(Leaves[position], position, size, path));
    }

    /// <summary>And the consistency proofs.</summary>
    [Theory]
    [InlineData(1, 1, "")]
    [InlineData(1, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(6, 8, "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(2, 5, "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")]
    public void The_published_consistency_proofs_are_ours(int from, int to, string proof)
    {
        var hashes = MerkleRanges.Consistency(from, to).Select(Hash).ToList();
        Assert.Equal(proof, string.Join(' ', hashes.Select(Convert.ToHexStringLower)));
        Assert.True(MerkleProof.IsConsistent(from, Hash(new LeafRange(0, from)), to, Hash(new LeafRange(0, to)), hashes));
    }

    [Fact]
    public void Every_proof_of_every_small_tree_is_right_and_no_other_is()
    {
        for (var size = 1; size <= Leaves.Length; size++)
        {
            var root = Hash(new LeafRange(0, size));
            for (var position = 0; position < size; position++)
            {
                var path = MerkleRanges.Inclusion(position, size).Select(Hash).ToList();
                Assert.Equal(root, MerkleProof.RootOf(Leaves[position], position, size, path));
                Assert.NotEqual(root, MerkleProof.RootOf(Leaves[(position + 1) % 8], position, size, path));
                Assert.Null(MerkleProof.RootOf(Leaves[position], position, size, [.. path, root]));
                Assert.Null(MerkleProof.RootOf(Leaves[position], size, size, path));
                if (path.Count > 0)
                    Assert.NotEqual(root, MerkleProof.RootOf(Leaves[position], position, size, path[..^1]));
            }

            for (var from = 0; from <= size; from++)
            {
                var proof = MerkleRanges.Consistency(from, size).Select(Hash).ToList();
                var older = Hash(new LeafRange(0, from));
                Assert.True(MerkleProof.IsConsistent(from, older, size, root, proof));
                Assert.False(MerkleProof.IsConsistent(from, older, size, root, [.. proof, root]));
                if (from == 0)
                    continue;
                Assert.False(MerkleProof.IsConsistent(from, Leaves[7], size, root, proof));
                if (from < size)
                    Assert.False(MerkleProof.IsConsistent(from, older, size, Leaves[7], proof));
                for (var at = 0; at < proof.Count; at++)
                    Assert.False(MerkleProof.IsConsistent(from, older, size, root, [.. proof[..at], Foreign, .. proof[(at + 1)..]]));
            }
        }
    }

    [Fact]
    public void Tiles_hold_the_hashes_that_the_format_says_however_the_log_grows()
    {
        const int Size = 70_000;
        var leaves = Enumerable.Range(0, Size).Select(at => MerkleTree.LeafHash(BitConverter.GetBytes(at))).ToList();
        var (edge, tiles) = (new TileEdge(0, []), new List<Tile>());
        for (var first = 0; first < Size;)
        {
            var count = Math.Min(Size - first, 1 + (first % 777));
            var (next, full) = edge.Grow(leaves[first..(first + count)]);
            (edge, first) = (next, first + count);
            tiles.AddRange(full);
        }

        Assert.Equal(Size, edge.Size);
        // The example of tlog-tiles: 273 full tiles of level 0, one of level 1, and what is left.
        Assert.Equal((273, 1, 0), (tiles.Count(tile => tile.Id.Level == 0), tiles.Count(tile => tile.Id.Level == 1), tiles.Count(tile => tile.Id.Level == 2)));
        Assert.Equal((112, 17, 1), (new TileId(0, 273).WidthIn(Size), new TileId(1, 1).WidthIn(Size), new TileId(2, 0).WidthIn(Size)));
        Assert.Equal(tiles[0].Id, new TileId(0, 0));
        Assert.Equal(leaves[..256].SelectMany(leaf => leaf), tiles[0].Hashes);
        var whole = new MerkleTree();
        leaves[..65_536].ForEach(whole.Append);
        Assert.Equal(whole.Root(), tiles.Single(tile => tile.Id.Level == 1).Root);
    }

    [Theory]
    [InlineData("000", 0, 256)]
    [InlineData("067", 67, 256)]
    [InlineData("x001/x234/067", 1234067, 256)]
    [InlineData("x001/x234/067.p/112", 1234067, 112)]
    [InlineData("255.p/1", 255, 1)]
    public void A_tile_is_found_by_its_path(string path, long number, int width)
    {
        Assert.True(TilePath.TryRead(path, out var found, out var wide));
        Assert.Equal((number, width), (found, wide));
        Assert.StartsWith(TilePath.Write(number), path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("67")]
    [InlineData("x067")]
    [InlineData("x000/067")]
    [InlineData("001/067")]
    [InlineData("xx001/067")]
    [InlineData("067.p/0")]
    [InlineData("067.p/256")]
    [InlineData("067.p/01")]
    [InlineData("067.p/-1")]
    [InlineData("x999/x999/x999/x999/x999/x999/x999/999")]
    public void Another_path_is_none(string path) => Assert.False(TilePath.TryRead(path, out _, out _));

    private static byte[] Hash(LeafRange range)
    {
        var tree = new MerkleTree();
        for (var at = range.Start; at < range.End; at++)
            tree.Append(Leaves[at]);
        return tree.Root();
    }
}
