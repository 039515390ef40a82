// Passkeys: made and used by Auth.js, kept by Modular like its own.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import Passkey from "@auth/core/providers/passkey";
import * as simpleWebAuthn from "@simplewebauthn/server";
import { Authenticator, fromJson, toJson } from "../protocol/authenticator.mjs";
import { Browser, entriesOf, modular, newLogin, sql, startApplication, startNetwork, userOf } from "./support.mjs";

let network;
let app;
before(async () => {
  network = await startNetwork();
  app = await startApplication({ network, providers: [Passkey({ simpleWebAuthn })], experimental: { enableWebAuthn: true } });
});

const newAuthenticator = (more = {}) => new Authenticator({ origin: app.url, verifies: true, ...more });

const optionsFor = async (browser, query) => (await browser.fetch(`/auth/webauthn-options/passkey?${new URLSearchParams(query)}`)).json();

const finish = async (browser, action, credential) =>
  new URL(await browser.post("/auth/callback/passkey", { action, data: JSON.stringify({ ...toJson(credential), clientExtensionResults: {} }) }), app.url);

async function register(browser, authenticator, query = {}) {
  const { options } = await optionsFor(browser, { action: "register", ...query });
  return finish(browser, "register", authenticator.create(fromJson(options)));
}

async function signIn(browser, authenticator, query = {}) {
  const { action, options } = await optionsFor(browser, { action: "authenticate", ...query });
  assert.equal(action, "authenticate");
  return finish(browser, "authenticate", authenticator.get(fromJson(options)));
}

test("somebody new registers with a passkey alone, and comes back with it", async () => {
  const [email, browser, authenticator] = [`${newLogin()}@example.com`, new Browser(app), newAuthenticator({ counter: 0 })];
  assert.equal((await register(browser, authenticator, { email })).searchParams.get("error"), null);
  assert.equal((await browser.session()).user.email, email);

  const user = await userOf(email);
  assert.equal(user.email_verified, false);
  const [passkey] = await sql("select * from authjs.authenticator where \"userId\" = $1", user.id);
  const [account] = await sql("select * from authjs.account where \"userId\" = $1", user.id);
  assert.deepEqual([account.type, account.provider, account.providerAccountId], ["webauthn", "passkey", passkey.credentialID]);
  assert.deepEqual([passkey.providerAccountId, passkey.counter, passkey.credentialDeviceType, passkey.transports], [passkey.credentialID, "0", "singleDevice", "internal"]);

  const again = new Browser(app);
  assert.equal((await signIn(again, authenticator, { email })).searchParams.get("error"), null);
  assert.equal((await again.session()).user.email, email);
  assert.deepEqual(await sql("select counter from authjs.authenticator where \"userId\" = $1", user.id), [{ counter: "1" }]);
  const types = (await entriesOf(user.id, 7)).map(({ type }) => type).filter((type) => !type.startsWith("profile"));
  assert.deepEqual(types, ["user.registered.1", "account.linked.1", "session.started.1", "passkey.added.1", "passkey.used.1", "session.started.1"]);
});

test("without a name a browser finds its passkey by itself", async () => {
  const [email, authenticator] = [`${newLogin()}@example.com`, newAuthenticator()];
  await register(new Browser(app), authenticator, { email });
  const browser = new Browser(app);
  await signIn(browser, authenticator);
  assert.equal((await browser.session()).user.email, email);
});

test("whoever is signed in adds one more, and none twice", async () => {
  const [email, browser, one, two] = [`${newLogin()}@example.com`, new Browser(app), newAuthenticator(), newAuthenticator()];
  await register(browser, one, { email });
  await register(browser, two);
  const user = await userOf(email);
  assert.equal((await app.adapter.listAuthenticatorsByUserId(user.id)).length, 2);
  const { options } = await optionsFor(browser, { action: "register" });
  assert.equal(options.excludeCredentials.length, 2);
  assert.throws(() => two.create(fromJson(options)), { name: "InvalidStateError" });
});

test("the address of somebody else gets no passkey", async () => {
  const [email, browser] = [`${newLogin()}@example.com`, new Browser(app)];
  await register(browser, newAuthenticator(), { email });
  const { error } = await optionsFor(new Browser(app), { action: "register", email });
  assert.ok(error);
});

test("a copied authenticator is noticed, and signs nobody in", async () => {
  const [email, authenticator] = [`${newLogin()}@example.com`, newAuthenticator({ counter: 0 })];
  await register(new Browser(app), authenticator, { email });
  const copy = authenticator.copy();
  await signIn(new Browser(app), authenticator, { email });
  await signIn(new Browser(app), authenticator, { email });
  const browser = new Browser(app);
  assert.equal((await signIn(browser, copy, { email })).searchParams.get("error"), "WebAuthnVerificationError");
  assert.equal(await browser.session(), null);
});

test("a sign-in whose counter is not kept is none", async () => {
  const [email, authenticator, browser] = [`${newLogin()}@example.com`, newAuthenticator({ counter: 0 }), new Browser(app)];
  await register(new Browser(app), authenticator, { email });
  network.fault = (method, request) => method === "update-authenticator-counter" && (request.socket.destroy(), true);
  const at = await signIn(browser, authenticator, { email });
  network.fault = undefined;
  assert.ok(at.searchParams.get("error"));
  assert.equal(await browser.session(), null);
  await signIn(browser, authenticator, { email });
  assert.equal((await browser.session()).user.email, email);
});

test("a passkey that its user removes at Modular is good for nothing in the application", async () => {
  const [email, authenticator, browser] = [`${newLogin()}@example.com`, newAuthenticator(), new Browser(app)];
  await register(browser, authenticator, { email });
  const headers = { authorization: `Bearer ${browser.sessionToken}`, "content-type": "application/json" };
  const [{ id }] = await (await fetch(`${modular}/api/auth/passkey/list-user-passkeys`, { headers })).json();
  const removed = await fetch(`${modular}/api/auth/passkey/delete-passkey`, { method: "POST", headers, body: JSON.stringify({ id }) });
  assert.equal(removed.status, 200);
  const again = new Browser(app);
  const { options } = await optionsFor(again, { action: "authenticate" });
  assert.ok((await finish(again, "authenticate", authenticator.get(fromJson(options)))).searchParams.get("error"));
  assert.equal(await again.session(), null);
});
