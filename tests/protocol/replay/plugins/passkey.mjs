// Passkeys. What an authenticator made was recorded as its first six characters; one in software makes it anew.
import { Authenticator, fromJson, toJson } from "../../authenticator.mjs";

const CEREMONY = "passkey, whole ceremony (software authenticator driving the official client)";
const KEY = "W0zt3bYmx-Ge_83kwiyGbA";

const place = {
  on: "passkeys",
  recordedOrigin: "http://localhost:4870",
  lacks: ["better-auth.session_token_multi-ovdm…", "better-auth.session_token_multi-g7z7…", "better-auth.last_used_login_method"],
};

export const servers = {
  passkeys: { env: { Passkey__RpName: "Contract" } },
};

export const sections = {
  "C · passkey": { ...place, as: "second" },
  [`C · ${CEREMONY}`]: { ...place, as: "pk" },
};

const signUp = (actor, name, email) => async (stage) => {
  const { status, body } = await stage.act(actor, "/sign-up/email", { name, email, password: "password-passkeys" });
  if (status !== 200) throw new Error(`${actor} does not sign up: ${status} ${body}`);
};

// The conversation was recorded without headers; its browsers have an origin, and cookies once they got some.
const headers = (actor) => (stage) => {
  const cookies = [...stage.jar(actor)].map(([name, value]) => `${name}=${value}`).join("; ");
  return { origin: stage.origin, "user-agent": "node", ...(cookies ? { cookie: cookies } : {}) };
};
const of = (stage) => (stage.authenticator ??= new Authenticator({ origin: stage.origin, nextId: () => Buffer.from(KEY, "base64url") }));
const challenge = (stage, placeholder) => stage.bindings.get(placeholder);

const created = (stage, recorded) => {
  const options = { challenge: challenge(stage, "lBbvT7…"), rp: { id: "localhost" }, user: { id: stage.bindings.get("MzE0OW…") } };
  const response = toJson(of(stage).create(fromJson({ ...options, pubKeyCredParams: [{ alg: -7 }] })));
  return JSON.stringify({ ...JSON.parse(recorded), response });
};
const signed = (stage, recorded) => {
  const response = toJson(of(stage).get(fromJson({ challenge: challenge(stage, "5TChiW…"), rpId: "localhost" })));
  return JSON.stringify({ ...JSON.parse(recorded), response });
};

const spoken = Object.fromEntries(
  [
    ["1 generate-register-options", "pk", { before: signUp("pk", "Pk", "pk1795212581019@example.com") }],
    ["2 verify-registration", "pk", { body: created }],
    ["3 list-user-passkeys", "pk"],
    ["4 update-passkey", "pk"],
    ["5 generate-authenticate-options", "phone"],
    ["6 verify-authentication", "phone", { body: signed }],
    ["7 delete-passkey", "pk"],
  ].map(([title, as, more]) => [`C · ${CEREMONY} · ${title}`, { as, headers: headers(as), ...more }]),
);

export const exchanges = {
  "C · passkey · generate-register-options": { before: signUp("second", "User Two", "u2@example.com") },
  "C · passkey · verify-registration without challenge cookie": {
    as: "seventh",
    before: signUp("seventh", "User Seven", "u7@example.com"),
  },
  ...spoken,
};
