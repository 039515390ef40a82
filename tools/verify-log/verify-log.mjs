#!/usr/bin/env node
// Checks an exported audit log with nothing but Node: no server, no database, no package.
//
//   node verify-log.mjs EXPORT [--manifest FILE] [--checkpoint FILE]... [--key VKEY]... [--witness VKEY]... [--json]
//
// EXPORT      what `audit export` or GET /api/audit/export wrote
// --manifest  its manifest; default: EXPORT.manifest where there is one, else the last line of EXPORT
// --checkpoint  a signed checkpoint that you kept where nobody who can change the log can change it
// --key       a key of the log that you trust (name+id+base64, see `audit keys`). Without one no signature is checked,
//             and a forger who wrote log, manifest and checkpoint anew is not found
// --witness   a key of a witness that has to have countersigned a checkpoint that you gave
//
// Exit code 0: everything is right. 1: something is not; the first wrong position is named. 2: wrong usage.
//
// Written from the specifications alone: RFC 6962 (with the algorithms of RFC 9162), RFC 8032 by Node's own Ed25519,
// C2SP signed-note, tlog-checkpoint and tlog-cosignature. Also a library: everything below is exported.
import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { createReadStream, existsSync, readFileSync, realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";

// ------------------------------------------------------------------------------------------------------ Merkle tree

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const ZERO = Buffer.of(0);
const ONE = Buffer.of(1);

/** RFC 6962 §2.1: the hash of an entry. */
export const leafHash = (entry) => sha256(ZERO, entry);
/** And of two subtrees. */
export const nodeHash = (left, right) => sha256(ONE, left, right);

const largestPowerBelow = (n) => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

/** MTH of RFC 6962 §2.1, word for word, over leaf hashes. */
export function treeHash(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  const k = largestPowerBelow(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** PATH of §2.1.1, word for word: the proof that leaf `m` is in the tree. */
export function inclusionProof(m, leaves) {
  if (leaves.length <= 1) return [];
  const k = largestPowerBelow(leaves.length);
  return m < k
    ? [...inclusionProof(m, leaves.slice(0, k)), treeHash(leaves.slice(k))]
    : [...inclusionProof(m - k, leaves.slice(k)), treeHash(leaves.slice(0, k))];
}

/** PROOF of §2.1.2, word for word: that the first `m` leaves are the beginning of the tree. */
export function consistencyProof(m, leaves, whole = true) {
  if (m === 0) return [];
  if (m === leaves.length) return whole ? [] : [treeHash(leaves)];
  const k = largestPowerBelow(leaves.length);
  return m <= k
    ? [...consistencyProof(m, leaves.slice(0, k), whole), treeHash(leaves.slice(k))]
    : [...consistencyProof(m - k, leaves.slice(k), false), treeHash(leaves.slice(0, k))];
}

/** RFC 9162 §2.1.3.2. */
export function verifyInclusion(leaf, index, size, proof, root) {
  if (!(index >= 0 && index < size)) return false;
  let [fn, sn, r] = [BigInt(index), BigInt(size) - 1n, leaf];
  for (const p of proof) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      r = nodeHash(p, r);
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else r = nodeHash(r, p);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && r.equals(root);
}

/** RFC 9162 §2.1.4.2. */
export function verifyConsistency(first, second, proof, firstRoot, secondRoot) {
  if (!(first >= 0 && first <= second)) return false;
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0) return proof.length === 0;
  const isPower = (BigInt(first) & (BigInt(first) - 1n)) === 0n;
  const path = isPower ? [firstRoot, ...proof] : proof;
  if (path.length === 0) return false;
  let [fn, sn] = [BigInt(first) - 1n, BigInt(second) - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else sr = nodeHash(sr, c);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && fr.equals(firstRoot) && sr.equals(secondRoot);
}

/** A tree that grows leaf by leaf and keeps only the roots of its complete subtrees, largest first. */
export class GrowingTree {
  constructor(size = 0, edge = []) {
    this.size = size;
    this.edge = [...edge];
    const ones = BigInt(size).toString(2).replaceAll("0", "").length;
    if (edge.length !== ones) throw new Error(`a tree of ${size} leaves has ${ones} complete subtrees, not ${edge.length}`);
  }

  append(hash) {
    for (let size = BigInt(this.size); size & 1n; size >>= 1n) hash = nodeHash(this.edge.pop(), hash);
    this.edge.push(hash);
    this.size++;
  }

  root() {
    return this.edge.length === 0 ? sha256() : this.edge.reduceRight((right, left) => nodeHash(left, right));
  }
}

// ------------------------------------------------------------------------------------------------------------ notes

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const fromBase64 = (text) => (typeof text === "string" && BASE64.test(text) ? Buffer.from(text, "base64") : undefined);

export const NOTE = 0x01;
export const COSIGNATURE = 0x04;

export const keyId = (name, kind, publicKey) => sha256(`${name}\n`, Buffer.of(kind), publicKey).readUInt32BE();

/** `name+id+base64`, for Ed25519 signatures of notes and for cosignatures. */
export function readKey(vkey) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/u.exec(vkey);
  const material = match && fromBase64(match[3]);
  if (!material || material.length !== 33 || ![NOTE, COSIGNATURE].includes(material[0])) throw new Error(`no key: ${vkey}`);
  const [name, kind, publicKey] = [match[1], material[0], material.subarray(1)];
  const id = keyId(name, kind, publicKey);
  if (id !== parseInt(match[2], 16)) throw new Error(`the id of this key is another: ${vkey}`);
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  return { name, kind, id, publicKey, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

/** A signed note: `{ text, signatures: [{ name, id, signature, line }] }`. */
export function readNote(note) {
  const end = note.lastIndexOf("\n\n");
  // eslint-disable-next-line no-control-regex
  if (end < 0 || !note.endsWith("\n") || /[\0-\x09\x0b-\x1f]/.test(note)) throw new Error("this is no signed note");
  const signatures = note
    .slice(end + 2, -1)
    .split("\n")
    .map((line) => {
      const match = /^\u2014 ([^+\s]+) (\S+)$/u.exec(line);
      const bytes = match && fromBase64(match[2]);
      if (!bytes || bytes.length < 5) throw new Error(`this is no signature line: ${line}`);
      return { name: match[1], id: bytes.readUInt32BE(), signature: bytes.subarray(4), line };
    });
  return { text: note.slice(0, end + 1), signatures };
}

/** What a witness signs: the time it says, and the text. */
export const cosignedText = (text, seconds) => `cosignature/v1\ntime ${seconds}\n${text}`;

function isRight(text, { signature }, { kind, key }) {
  if (kind === NOTE) return signature.length === 64 && verifySignature(null, Buffer.from(text), key, signature);
  if (signature.length !== 72) return false;
  return verifySignature(null, Buffer.from(cosignedText(text, signature.readBigUInt64BE())), key, signature.subarray(8));
}

/** The keys of `keys` that have signed. Throws where a signature of one of them is false. */
export function signers(note, keys) {
  const found = [];
  for (const line of note.signatures) {
    const key = keys.find((known) => known.name === line.name && known.id === line.id);
    if (!key) continue;
    if (!isRight(note.text, line, key)) throw new Wrong("signature", undefined, `the signature of ${line.name} is false`);
    found.push(key);
  }
  return found;
}

/** `{ origin, size, root }` of a checkpoint's text. */
export function readCheckpoint(text) {
  const match = /^([^\n]+)\n(0|[1-9]\d*)\n([^\n]+)\n/.exec(text);
  const root = match && fromBase64(match[3]);
  if (root?.length !== 32) throw new Error("this is no checkpoint");
  return { origin: match[1], size: Number(match[2]), root };
}

// ----------------------------------------------------------------------------------------------------------- export

/** What is not right: a code, the first position it concerns, and where it ends if that is known. */
export class Wrong extends Error {
  constructor(problem, position, message, before) {
    super(message ?? problem);
    Object.assign(this, { problem, position, before });
  }
}

const MANIFEST = "modular audit export manifest v1\n";
const TILE = 256;

function readManifest(text) {
  const note = readNote(text);
  if (!note.text.startsWith(MANIFEST)) throw new Wrong("manifest", 0, "this is no manifest of an export");
  return { note, claims: JSON.parse(note.text.slice(MANIFEST.length)) };
}

/** What is read by `read`, or a `Wrong`, not whatever it stumbles over. */
function readable(problem, position, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof Wrong ? error : new Wrong(problem, position, error.message);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readRow(line, mayBeManifest) {
  const row = JSON.parse(utf8.decode(line));
  if (mayBeManifest && typeof row.manifest === "string") return row;
  if (!(Number.isSafeInteger(row.position) && row.position >= 0) || typeof row.leaf !== "string" || typeof row.entry !== "string" || !row.entry.isWellFormed())
    throw new Error("this line is no entry");
  return row;
}

async function* linesOf(path) {
  let rest = [];
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    let start = 0;
    for (let end; (end = chunk.indexOf(10, start)) >= 0; start = end + 1) {
      const part = chunk.subarray(start, end + 1);
      yield rest.length === 0 ? part : Buffer.concat([...rest, part]);
      rest = [];
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

/** Reads the entries: their leaf hashes, and where they begin. */
async function readEntries(path, manifest) {
  const digest = createHash("sha256");
  let [first, bytes] = [undefined, 0];
  const leaves = [];
  const isApart = manifest !== undefined;
  for await (const line of linesOf(path)) {
    const next = (first ?? 0) + leaves.length;
    if (!isApart && manifest) throw new Wrong("after_manifest", next, "there is something behind the manifest, which nobody signed");
    const row = readable("unreadable", next, () => readRow(line, !isApart));
    if (!isApart && typeof row.manifest === "string") {
      manifest = readable("manifest", first ?? 0, () => readManifest(row.manifest));
      continue;
    }
    digest.update(line);
    bytes += line.length;
    first ??= row.position;
    const due = first + leaves.length;
    if (row.position !== due) throw new Wrong("entry_missing", due, `position ${row.position} stands where ${due} is due`);
    const leaf = leafHash(Buffer.from(row.entry, "utf8"));
    if (leaf.toString("base64") !== row.leaf) throw new Wrong("leaf_hash", due, "the hash of this entry is another");
    leaves.push(leaf);
  }
  return { manifest, first, leaves, bytes, sha256: digest.digest("hex") };
}

/** Checks an export. Answers what it is part of; throws a `Wrong`. */
export async function verifyExport({ file, manifestText, checkpoints = [], keys = [], witnesses = [] }) {
  const read = await readEntries(file, manifestText === undefined ? undefined : readable("manifest", 0, () => readManifest(manifestText)));
  if (!read.manifest) throw new Wrong("manifest", read.first ?? 0, "there is no manifest: the file is not whole");
  const { claims, note } = read.manifest;
  const { from, to } = claims;
  const signed = readable("manifest", read.first ?? 0, () => readNote(claims.checkpoint));
  const checkpoint = readable("manifest", read.first ?? 0, () => readCheckpoint(signed.text));
  if (keys.length > 0)
    for (const [what, one] of [["manifest", note], ["checkpoint", signed]])
      if (signers(one, keys).length === 0) throw new Wrong("signature", from, `no trusted key signed the ${what}`);
  if (!claims.edge || !claims.proof) throw new Wrong("not_whole", from, "this export leaves entries out: only its digest is signed");
  if (read.leaves.length > 0 && read.first !== from) throw new Wrong("entry_missing", from, "the first entries are missing");
  const count = to - from;
  if (read.leaves.length < count) throw new Wrong("entry_missing", from + read.leaves.length, "the last entries are missing");
  if (read.leaves.length > count) throw new Wrong("entry_too_many", to, "there are entries behind the last one");

  for (let tile = Math.ceil(from / TILE), at = 0; (tile + 1) * TILE <= to; tile++, at++) {
    const root = treeHash(read.leaves.slice(tile * TILE - from, (tile + 1) * TILE - from));
    if (root.toString("base64") !== claims.tiles?.[at]) throw new Wrong("tile", tile * TILE, "of these 256 entries one is another", (tile + 1) * TILE);
  }

  const kept = checkpoints.map((text) => {
    const one = readNote(text);
    return { note: one, ...readCheckpoint(one.text) };
  });
  const roots = new Map();
  const tree = readable("manifest", read.first ?? 0, () => new GrowingTree(from, claims.edge.map(fromBase64)));
  const wanted = new Set(kept.map(({ size }) => size));
  for (const leaf of read.leaves) {
    if (wanted.has(tree.size)) roots.set(tree.size, tree.root());
    tree.append(leaf);
  }
  roots.set(tree.size, tree.root());
  roots.set(checkpoint.size, roots.get(checkpoint.size) ?? checkpoint.root);
  if (!verifyConsistency(to, checkpoint.size, claims.proof.map(fromBase64), tree.root(), checkpoint.root))
    throw new Wrong("root", from, "these entries are not those of the checkpoint", to);

  for (const one of kept) {
    if (one.origin !== checkpoint.origin) throw new Wrong("origin", from, `that is a checkpoint of ${one.origin}`);
    if (keys.length > 0 && signers(one.note, keys).length === 0) throw new Wrong("checkpoint_signature", from, "no trusted key signed the checkpoint that you kept");
    if (!roots.has(one.size)) throw new Wrong("checkpoint_outside_range", from, `the export does not reach the checkpoint of ${one.size} entries`);
    if (!roots.get(one.size).equals(one.root)) throw new Wrong("fork", from, `the log is not the one that was signed at ${one.size} entries`, one.size);
  }
  for (const witness of witnesses)
    if (![signed, ...kept.map((one) => one.note)].some((one) => signers(one, [witness]).length > 0))
      throw new Wrong("witness", from, `${witness.name} has countersigned no checkpoint that is here`);
  if (read.bytes !== claims.bytes || read.sha256 !== claims.sha256) throw new Wrong("digest", from, "the file is not the one that was signed", to);
  return { from, to, origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root.toString("hex"), isSigned: keys.length > 0 };
}

// ---------------------------------------------------------------------------------------------------- command line

function readArguments(words) {
  const given = { checkpoints: [], keys: [], witnesses: [] };
  for (let at = 0; at < words.length; at++) {
    const value = () => {
      if (at + 1 === words.length) throw new Error(`${words[at]} needs a value`);
      return words[++at];
    };
    if (words[at] === "--json") given.json = true;
    else if (words[at] === "--manifest") given.manifestText = readFileSync(value(), "utf8");
    else if (words[at] === "--checkpoint") given.checkpoints.push(readFileSync(value(), "utf8"));
    else if (words[at] === "--key") given.keys.push(readKey(value()));
    else if (words[at] === "--witness") given.witnesses.push(readKey(value()));
    else if (words[at].startsWith("--") || given.file) throw new Error(`what is ${words[at]}?`);
    else given.file = words[at];
  }
  if (!given.file) throw new Error("which export? node verify-log.mjs EXPORT [--manifest FILE] [--checkpoint FILE] [--key VKEY] [--witness VKEY] [--json]");
  if (!given.manifestText && existsSync(`${given.file}.manifest`)) given.manifestText = readFileSync(`${given.file}.manifest`, "utf8");
  return given;
}

async function main() {
  let given;
  try {
    given = readArguments(process.argv.slice(2));
  } catch (problem) {
    console.error(problem.message);
    return 2;
  }
  try {
    const found = await verifyExport(given);
    if (given.json) console.log(JSON.stringify({ ok: true, ...found }));
    else {
      console.log(`Entries ${found.from} to ${found.to - 1} are right: part of the ${found.size} of ${found.origin}, root ${found.root}`);
      if (!found.isSigned) console.error("No key was given (--key), so nobody vouches for that root: compare it with a checkpoint you trust.");
    }
    return 0;
  } catch (wrong) {
    const { problem = "unreadable", position, before } = wrong;
    if (given.json) console.log(JSON.stringify({ ok: false, problem, firstWrong: position ?? null, wrongBefore: before ?? null, message: wrong.message }));
    else console.log(`${position === undefined ? "Not right" : before === undefined ? `Entry ${position} is not right` : `Between ${position} and ${before} something is not right`}: ${problem}, ${wrong.message}.`);
    return 1;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) process.exitCode = await main();
