// The second factor. The recording cut away the secret, and shows codes that were right when it was made: ours are made
// when they are needed, of one step after the other, since a code is accepted once here.
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const place = {
  on: "factors",
  recordedOrigin: "http://localhost:4870",
  lacks: ["better-auth.last_used_login_method", "better-auth.session_token_multi-mcx5…", "better-auth.session_token_multi-kxad…", "better-auth.session_token_multi-soip…"],
};
const person = { email: "tf@example.com", password: "password-tf" };

export const servers = { factors: { env: { Mail__AppName: "Contract" } } };

export const sections = { "C · two-factor": { ...place, as: "first" } };

const ok = async (answer, what) => {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`${what}: ${status} ${body}`);
  return JSON.parse(body);
};

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function totp(secret, away) {
  const bits = [...secret].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + away));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** A code of the secret, in the place of the recorded one. */
const coded = (away) => (stage, body) =>
  body.replace(/"code":"\d{6}"/, `"code":"${totp(stage.bindings.get("OZSEU5…"), away)}"`);

const challenged = (actor) => async (stage) => {
  await ok(stage.act(actor, "/sign-in/email", person), `${actor} signs in`);
};

async function mailedCode(stage, actor) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(100)) {
    const { body } = await stage.send("GET", `/dev/mailbox?to=${encodeURIComponent(person.email)}`);
    const found = JSON.parse(body).toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).map((mail) => /\b\d{6}\b/.exec(mail.text)?.[0]);
    if (found.filter(Boolean).length > 0) {
      stage.mailedCode = found.filter(Boolean).at(-1);
      return;
    }
  }
  throw new Error(`no code was mailed to ${actor}`);
}

const at = (name) => `C · two-factor · ${name}`;

export const exchanges = {
  [at("enable, wrong password")]: {
    before: async (stage) => {
      await ok(stage.act("first", "/sign-up/email", { name: "tf", ...person }), "tf signs up");
      await ok(stage.act("second", "/sign-in/email", person), "tf signs in elsewhere");
    },
  },
  [at("verify-totp (turns it on, rotates the session)")]: { body: coded(0) },
  [at("sign-in now asks for the second factor")]: { as: "challenged" },
  [at("get-session in between")]: { as: "challenged" },
  [at("verify-totp wrong in challenge")]: { as: "challenged" },
  [at("verify-totp in challenge, trust device")]: { as: "challenged", body: coded(1) },
  [at("sign-in from the trusted device")]: { as: "challenged" },
  [at("send-otp")]: { as: "mailed", before: challenged("mailed") },
  [at("verify-otp wrong")]: { as: "mailed", before: (stage) => mailedCode(stage, "mailed") },
  [at("verify-otp")]: { as: "mailed", body: (stage, body) => body.replace("607668", stage.mailedCode) },
  [at("verify-backup-code wrong")]: {
    as: "written",
    before: async (stage) => {
      const { backupCodes } = await ok(stage.act("first", "/two-factor/generate-backup-codes", { password: person.password }), "tf gets codes");
      stage.backupCode = backupCodes[0];
      await challenged("written")(stage);
    },
  },
  [at("verify-backup-code")]: { as: "written", body: (stage, body) => body.replace("TFNK9-SiTxS", stage.backupCode) },
  [at("verify-totp without challenge cookie")]: { as: "nobody" },
  [at("disable with the (rotated away) cookie of another session is still allowed if that session lives")]: { as: "second" },
};
