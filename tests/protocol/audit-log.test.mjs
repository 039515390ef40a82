// The audit log as an auditor and a witness see it: over HTTP, with code of their own (tools/verify-log, which knows the
// specifications and not this server), against a Host of its own with Audit:PublicLog and one witness.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as log from "../../tools/verify-log/verify-log.mjs";
import { startHost } from "./host.mjs";
import { upstream } from "./support.mjs";

/** An independent witness (C2SP tlog-witness, the part that signs): remembers the last checkpoint, signs what is consistent. */
class Witness {
  #seen;
  #pair = generateKeyPairSync("ed25519");
  name = "witness.example/w1";

  constructor() {
    const publicKey = this.#pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    this.id = log.keyId(this.name, log.COSIGNATURE, publicKey);
    this.vkey = `${this.name}+${this.id.toString(16).padStart(8, "0")}+${Buffer.concat([Buffer.of(log.COSIGNATURE), publicKey]).toString("base64")}`;
  }

  async look(server) {
    const note = await (await fetch(`${server}/api/audit/log/checkpoint`)).text();
    const { keys } = await (await fetch(`${server}/api/audit/log/keys`)).json();
    const signed = log.readNote(note);
    assert.ok(log.signers(signed, keys.map(({ key }) => log.readKey(key))).length > 0, "the log signs its checkpoints");
    const checkpoint = log.readCheckpoint(signed.text);
    if (this.#seen) {
      const proof = await (await fetch(`${server}/api/audit/log/proof/consistency?from=${this.#seen.size}&to=${checkpoint.size}`)).json();
      const hashes = proof.hashes.map((hash) => Buffer.from(hash, "base64"));
      assert.ok(log.verifyConsistency(this.#seen.size, checkpoint.size, hashes, this.#seen.root, checkpoint.root), "the log has only grown");
    }
    this.#seen = checkpoint;
    return { note, signed, checkpoint };
  }

  cosign(note, at = Date.now()) {
    const seconds = BigInt(Math.floor(at / 1000));
    const head = Buffer.alloc(12);
    head.writeUInt32BE(this.id);
    head.writeBigUInt64BE(seconds, 4);
    const signature = sign(null, Buffer.from(log.cosignedText(log.readNote(note).text, seconds)), this.#pair.privateKey);
    return `${note}\u2014 ${this.name} ${Buffer.concat([head, signature]).toString("base64")}\n`;
  }
}

const publicAddress = "https://id.example.com";
const witness = new Witness();
const administrator = { email: "root@example.com", password: "correct-horse-1" };

describe("the audit log, proved", { skip: upstream }, () => {
  let host, cookie;

  const read = async (path, admin = false) => {
    const answer = await fetch(`${host.url}/api/audit/${path}`, { headers: admin ? { cookie } : {} });
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) };
  };
  const json = async (path) => JSON.parse((await read(path)).body.toString());
  const post = (note) => fetch(`${host.url}/api/audit/log/cosignatures`, { method: "POST", headers: { "content-type": "text/plain" }, body: note });
  const signUp = async () => {
    const answer = await fetch(`${host.url}/api/auth/sign-up/email`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: publicAddress },
      body: JSON.stringify({ email: `${randomBytes(6).toString("hex")}@example.com`, password: "correct-horse-2", name: "Ada" }),
    });
    assert.equal(answer.status, 200);
  };
  /** Waits for a checkpoint of more entries than `size`. */
  const grown = async (size) => {
    for (let tries = 0; tries < 200; tries++, await sleep(50)) {
      const seen = await witness.look(host.url);
      if (seen.checkpoint.size > size) return seen;
    }
    throw new Error("no checkpoint came");
  };

  before(async () => {
    host = await startHost({
      name: "protocol-audit-log",
      env: {
        Auth__BaseUrl: publicAddress,
        Audit__PublicLog: "true", Audit__CheckpointInterval: "0:00:00.1", Audit__Witnesses: witness.vkey,
        Admin__Email: administrator.email, Admin__Password: administrator.password,
      },
    });
    const answer = await fetch(`${host.url}/api/auth/sign-in/email`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: publicAddress },
      body: JSON.stringify(administrator),
    });
    assert.equal(answer.status, 200);
    cookie = answer.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
  });

  after(() => host?.stop());

  it("signs checkpoints by a key that anybody can check, under a name of its own", async () => {
    const { checkpoint, signed } = await grown(0);
    assert.match(checkpoint.origin, /^id\.example\.com\/audit\/[0-9a-f]{12}$/);
    assert.equal(signed.signatures[0].name, checkpoint.origin);
    const answer = await read("log/checkpoint");
    assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal(answer.headers.get("cache-control"), "no-cache");
  });

  it("has the root and the proofs that RFC 6962 gives for its entries", async () => {
    for (let at = 0; at < 4; at++) await signUp();
    const { checkpoint } = await grown(8);
    const { size } = checkpoint;
    const width = size % 256;
    assert.ok(size < 200);
    assert.equal((await read(`log/tile/entries/000.p/${width}`)).status, 401);
    const bundle = (await read(`log/tile/entries/000.p/${width}`, true)).body;
    const entries = [];
    for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at)) entries.push(bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at)));
    const leaves = entries.map(log.leafHash);
    assert.equal(entries.length, size);
    assert.ok(log.treeHash(leaves).equals(checkpoint.root));

    const tile = await read(`log/tile/0/000.p/${width}`);
    assert.ok(tile.body.equals(Buffer.concat(leaves)));
    assert.equal(tile.headers.get("content-type"), "application/octet-stream");
    assert.match(tile.headers.get("cache-control"), /^public, .*immutable$/);
    for (const none of ["log/tile/0/000", "log/tile/0/001.p/1", "log/tile/0/000.p/255", "log/tile/1/000.p/1", "log/tile/00/000.p/1", "log/tile/0/0.p/1"])
      assert.equal((await read(none)).status, 404, none);

    for (const position of [0, 1, size >> 1, size - 1]) {
      const proof = await json(`log/proof/inclusion?position=${position}&size=${size}`);
      assert.deepEqual(proof.hashes, log.inclusionProof(position, leaves).map((hash) => hash.toString("base64")));
      assert.ok(log.verifyInclusion(leaves[position], position, size, proof.hashes.map((hash) => Buffer.from(hash, "base64")), checkpoint.root));
    }
    for (const from of [0, 1, 2, size - 1, size]) {
      const proof = await json(`log/proof/consistency?from=${from}&to=${size}`);
      assert.deepEqual(proof.hashes, log.consistencyProof(from, leaves).map((hash) => hash.toString("base64")));
    }
    assert.equal((await read(`log/proof/inclusion?position=${size}&size=${size}`)).status, 400);
    assert.equal((await read(`log/proof/inclusion?position=1&size=${size + 1_000_000}`)).status, 404);
    assert.equal((await read("log/proof/consistency?from=x")).status, 400);
  });

  it("serves what a witness has countersigned", async () => {
    const first = await grown(0);
    const answer = await post(witness.cosign(first.note));
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { size: first.checkpoint.size, witnesses: [witness.name] });
    await signUp();
    const second = await grown(first.checkpoint.size);
    assert.equal((await post(witness.cosign(second.note))).status, 200);
    for (const path of ["log/checkpoint/witnessed", `log/checkpoints/${second.checkpoint.size}`]) {
      const served = log.readNote((await read(path)).body.toString());
      assert.equal(served.text, second.signed.text);
      assert.equal(log.signers(served, [log.readKey(witness.vkey)]).length, 1);
    }
  });

  it("keeps nothing that no witness of it has signed", async () => {
    const { signed, checkpoint } = await grown(0);
    const note = `${signed.text}\n${signed.signatures[0].line}\n`; // without what was countersigned above
    assert.equal((await post(note)).status, 403);
    assert.equal((await post(new Witness().cosign(note))).status, 403);
    assert.equal((await post(witness.cosign(note, Date.now() + 3_600_000))).status, 403);
    const other = note.replace(`\n${checkpoint.size}\n`, `\n${checkpoint.size + 1_000_000}\n`);
    assert.equal((await post(witness.cosign(other))).status, 404);
    assert.equal((await post("not a note")).status, 400);
  });

  it("gives out an export that is proved without it, and every change of it is found", async () => {
    assert.equal((await read("export")).status, 401);
    const { note } = await grown(0);
    const { keys } = await json("log/keys");
    const trusted = keys.map(({ key }) => log.readKey(key));
    const folder = mkdtempSync(join(tmpdir(), "modular-export-"));
    const file = join(folder, "log.ndjson");
    const export_ = (await read("export", true)).body;
    writeFileSync(file, export_);
    const found = await log.verifyExport({ file, keys: trusted, checkpoints: [note] });
    assert.equal(found.from, 0);
    assert.ok(found.isSigned && found.to > 8);
    const part = join(folder, "part.ndjson");
    writeFileSync(part, (await read("export?from=3&to=7", true)).body);
    assert.deepEqual(await log.verifyExport({ file: part, keys: trusted }).then(({ from, to }) => [from, to]), [3, 7]);

    const lines = export_.toString().split("\n").slice(0, -1);
    const spoilt = async (change, problem, position) => {
      const changed = [...lines];
      change(changed);
      writeFileSync(file, changed.map((line) => `${line}\n`).join(""));
      await assert.rejects(log.verifyExport({ file, keys: trusted, checkpoints: [note] }), (wrong) => {
        assert.deepEqual([wrong.problem, wrong.position], [problem, position]);
        return true;
      });
    };
    await spoilt((all) => (all[2] = all[2].replace("success", "SUCCESS")), "leaf_hash", 2);
    await spoilt((all) => all.splice(4, 1), "entry_missing", 4);
    await spoilt((all) => all.splice(4, 0, all[4]), "entry_missing", 5);
    await spoilt((all) => ([all[1], all[2]] = [all[2], all[1]]), "entry_missing", 1);
    await spoilt((all) => all.splice(all.length - 2, 1), "entry_missing", lines.length - 2);
    await spoilt((all) => all.pop(), "manifest", 0);
    await spoilt((all) => {
      const row = JSON.parse(all[2]);
      row.entry = row.entry.replace("success", "SUCCESS");
      row.leaf = log.leafHash(row.entry).toString("base64");
      all[2] = JSON.stringify(row);
    }, "root", 0);
    await spoilt((all) => {
      const manifest = JSON.parse(all.at(-1));
      all[all.length - 1] = JSON.stringify({ manifest: manifest.manifest.replace(/"bytes":\d+/, '"bytes":1') });
    }, "signature", undefined);
    assert.ok(readFileSync(file).length > 0);
    assert.equal(createHash("sha256").update("").digest("hex"), log.treeHash([]).toString("hex"));
  });
});
