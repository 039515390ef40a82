// The stand-alone verifier's own tree and proofs, by the vectors that Certificate Transparency's tests use. The server's are
// held against the same ones (tests/Audit.Tests), and the two against each other (audit-log.test.mjs).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as log from "../../tools/verify-log/verify-log.mjs";

const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map((leaf) =>
  log.leafHash(Buffer.from(leaf, "hex")),
);
const roots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const hex = (hashes) => hashes.map((hash) => hash.toString("hex"));

describe("the stand-alone verifier", () => {
  it("has the published roots, leaf by leaf and at once", () => {
    const tree = new log.GrowingTree();
    for (let size = 0; size <= 8; size++) {
      assert.equal(log.treeHash(leaves.slice(0, size)).toString("hex"), roots[size]);
      assert.equal(tree.root().toString("hex"), roots[size]);
      if (size < 8) tree.append(leaves[size]);
    }
  });

  it("has the published proofs", () => {
    const inclusion = (position, size) => hex(log.inclusionProof(position, leaves.slice(0, size)));
    assert.deepEqual(inclusion(0, 1), []);
    assert.deepEqual(inclusion(5, 8), [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", roots[4],
    ]);
    assert.deepEqual(inclusion(2, 3), [roots[2]]);
    const consistency = (from, to) => hex(log.consistencyProof(from, leaves.slice(0, to)));
    assert.deepEqual(consistency(6, 8), [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", roots[4],
    ]);
    assert.deepEqual(consistency(2, 5), ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]);
  });

  it("takes every right proof and no other", () => {
    for (let size = 1; size <= 8; size++) {
      const tree = leaves.slice(0, size);
      const root = log.treeHash(tree);
      for (let at = 0; at < size; at++) {
        const proof = log.inclusionProof(at, tree);
        assert.ok(log.verifyInclusion(leaves[at], at, size, proof, root));
        assert.ok(!log.verifyInclusion(leaves[(at + 1) % 8], at, size, proof, root));
        assert.ok(!log.verifyInclusion(leaves[at], at, size, [...proof, root], root));
      }
      for (let from = 1; from <= size; from++) {
        const proof = log.consistencyProof(from, tree);
        const older = log.treeHash(leaves.slice(0, from));
        assert.ok(log.verifyConsistency(from, size, proof, older, root));
        assert.ok(!log.verifyConsistency(from, size, [...proof, root], older, root));
        assert.ok(!log.verifyConsistency(from, size, proof, leaves[7], root));
      }
    }
  });

  it("reads the published note", () => {
    const key = log.readKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    const note = log.readNote(
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
    );
    assert.deepEqual(log.signers(note, [key]), [key]);
    assert.throws(() => log.signers({ ...note, text: note.text.replace("answer", "question") }, [key]));
  });
});
