// An authenticator in software behind `navigator.credentials`, so that the official client finds one in Node. Keys are
// ES256; what it says of itself can be changed (`counter`, `origin`), to see that a server notices.
import { createHash, createSign, generateKeyPairSync, randomBytes } from "node:crypto";

const ATTESTED = 0x40;
const PRESENT = 0x01;
const VERIFIED = 0x04;

export class Authenticator {
  /** What its browser takes the page for. */
  origin;
  /** Signatures so far, on all keys; undefined: it does not count. */
  counter;
  /** Whether it asks its user for more than a touch. */
  verifies;
  #keys = [];

  constructor({ origin, counter, verifies = false, nextId = () => randomBytes(16) }) {
    Object.assign(this, { origin, counter, verifies, nextId });
  }

  /** Becomes the authenticator of this process's browser. */
  plugIn() {
    const credentials = { create: (o) => this.create(o.publicKey), get: (o) => this.get(o.publicKey) };
    Object.defineProperty(globalThis, "navigator", { value: { credentials }, configurable: true, writable: true });
    globalThis.PublicKeyCredential = class {};
    return this;
  }

  /** One more with the same keys: what must not exist. */
  copy() {
    const copy = new Authenticator(this);
    copy.#keys = [...this.#keys];
    return copy;
  }

  create({ challenge, rp, user, excludeCredentials = [], pubKeyCredParams }) {
    if (excludeCredentials.some(({ id }) => this.#find(rp.id, id))) throw Object.assign(new Error("known"), { name: "InvalidStateError" });
    if (!pubKeyCredParams.some(({ alg }) => alg === -7)) throw Object.assign(new Error("no ES256"), { name: "NotSupportedError" });
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = { id: this.nextId(), rpId: rp.id, userHandle: Buffer.from(user.id), privateKey };
    this.#keys.push(key);
    const { x, y } = publicKey.export({ format: "jwk" });
    const cose = map([1, 2], [3, -7], [-1, 1], [-2, Buffer.from(x, "base64url")], [-3, Buffer.from(y, "base64url")]);
    const length = Buffer.from([key.id.length >> 8, key.id.length & 0xff]);
    const authData = this.#data(rp.id, ATTESTED, Buffer.concat([Buffer.alloc(16), length, key.id, cose]));
    return credential(key, {
      clientDataJSON: this.#client("webauthn.create", challenge),
      attestationObject: map(["fmt", "none"], ["attStmt", new Map()], ["authData", authData]),
      getTransports: () => ["internal"],
    });
  }

  get({ challenge, rpId, allowCredentials }) {
    const key = allowCredentials?.length
      ? allowCredentials.map(({ id }) => this.#find(rpId, id)).find(Boolean)
      : this.#keys.findLast((key) => key.rpId === rpId);
    if (!key) throw Object.assign(new Error("no key for this page"), { name: "NotAllowedError" });
    if (this.counter !== undefined) this.counter++;
    const [clientDataJSON, authenticatorData] = [this.#client("webauthn.get", challenge), this.#data(rpId, 0)];
    const signature = createSign("sha256").update(authenticatorData).update(sha256(clientDataJSON)).sign(key.privateKey);
    return credential(key, { clientDataJSON, authenticatorData, signature, userHandle: key.userHandle });
  }

  #find(rpId, id) {
    return this.#keys.find((key) => key.rpId === rpId && key.id.equals(Buffer.from(id)));
  }

  #client(type, challenge) {
    const said = { type, challenge: Buffer.from(challenge).toString("base64url"), origin: this.origin, crossOrigin: false };
    return Buffer.from(JSON.stringify(said));
  }

  #data(rpId, flags, attested = Buffer.alloc(0)) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter ?? 0);
    return Buffer.concat([sha256(rpId), Buffer.from([flags | PRESENT | (this.verifies ? VERIFIED : 0)]), counter, attested]);
  }
}

/** The parts of a credential as they go over the wire, for whoever speaks without the client. */
export function toJson({ id, type, authenticatorAttachment, response }) {
  const texts = Object.entries(response)
    .filter(([, part]) => Buffer.isBuffer(part))
    .map(([name, part]) => [name, part.toString("base64url")]);
  const transports = response.getTransports ? { transports: response.getTransports() } : {};
  return { id, rawId: id, response: { ...Object.fromEntries(texts), ...transports }, type, authenticatorAttachment };
}

/** Options of the wire as `navigator.credentials` takes them. */
export function fromJson(options) {
  const bytes = (text) => Buffer.from(text, "base64url");
  const descriptors = (list) => list?.map((descriptor) => ({ ...descriptor, id: bytes(descriptor.id) }));
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user ? { user: { ...options.user, id: bytes(options.user.id) } } : {}),
    excludeCredentials: descriptors(options.excludeCredentials),
    allowCredentials: descriptors(options.allowCredentials),
  };
}

const sha256 = (data) => createHash("sha256").update(data).digest();

const credential = (key, response) => ({
  id: key.id.toString("base64url"),
  rawId: key.id,
  type: "public-key",
  authenticatorAttachment: "platform",
  response,
  getClientExtensionResults: () => ({}),
});

// ------------------------------------------------------------------------------------- CBOR, as much as is needed (RFC 8949)

function head(major, length) {
  if (length < 24) return Buffer.from([(major << 5) | length]);
  return length < 256 ? Buffer.from([(major << 5) | 24, length]) : Buffer.from([(major << 5) | 25, length >> 8, length & 0xff]);
}

function cbor(value) {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Map) return map(...value);
  return Buffer.concat([head(2, value.length), value]);
}

function map(...members) {
  return Buffer.concat([head(5, members.length), ...members.flatMap(([key, value]) => [cbor(key), cbor(value)])]);
}
