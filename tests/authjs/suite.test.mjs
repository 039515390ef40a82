// What the official suite for adapters asks of every one of them, asked of ours over a running server: each method by itself,
// shapes to the letter (deepStrictEqual tells null from undefined, and minds every key).
import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { before, test } from "node:test";
import { ModularAdapter } from "@modular/authjs-adapter";
import { apiKey, modular, newLogin } from "./support.mjs";

let adapter;
before(() => {
  adapter = ModularAdapter({ baseUrl: modular, apiKey });
});

const at = (milliseconds = 0) => new Date(Date.now() + milliseconds);
const newUser = (more = {}) => ({ email: `${newLogin()}@example.com`, name: "Fill Murray", image: "https://www.fillmurray.com/460/300", emailVerified: at(), ...more });
const newAccount = (userId, more = {}) => ({
  userId, provider: "github", providerAccountId: randomUUID(), type: "oauth", access_token: randomUUID(), expires_at: Math.floor(Date.now() / 1000) + 3600,
  id_token: randomUUID(), refresh_token: randomUUID(), scope: "user", session_state: randomUUID(), token_type: "bearer", ...more,
});
const newSession = (userId) => ({ sessionToken: randomUUID(), userId, expires: at(7 * 24 * 60 * 60 * 1000) });
const newToken = () => ({ identifier: `${newLogin()}@example.com`, token: createHash("sha256").update(randomUUID()).digest("hex"), expires: at(15 * 60 * 1000) });
const newAuthenticator = (userId, more = {}) => {
  const credentialID = randomBytes(32).toString("base64");
  return {
    userId, credentialID, providerAccountId: credentialID, credentialPublicKey: randomBytes(64).toString("base64"), counter: 0,
    credentialDeviceType: "singleDevice", credentialBackedUp: false, transports: "internal,hybrid", ...more,
  };
};

test("createUser and getUser", async () => {
  const given = newUser();
  const created = await adapter.createUser(given);
  assert.deepStrictEqual(created, { ...given, id: created.id });
  assert.deepStrictEqual(await adapter.getUser(created.id), created);
  assert.strictEqual(await adapter.getUser(randomUUID()), null);
  assert.strictEqual(await adapter.getUser("no id"), null);
});

test("createUser ignores an id that is given and makes one", async () => {
  const id = randomUUID();
  assert.notEqual((await adapter.createUser(newUser({ id }))).id, id);
  assert.strictEqual(await adapter.getUser(id), null);
});

test("createUser with an address alone", async () => {
  const email = `${newLogin()}@example.com`;
  const { id } = await adapter.createUser({ email });
  assert.deepStrictEqual(await adapter.getUser(id), { id, name: null, email, emailVerified: null, image: null });
});

test("several users without an address, and only one with one", async () => {
  const [one, two] = [await adapter.createUser({ name: "One" }), await adapter.createUser({ name: "Two", email: null })];
  assert.notEqual(one.id, two.id);
  const { email } = await adapter.createUser(newUser());
  await assert.rejects(adapter.createUser(newUser({ email })), { code: "email_taken" });
});

test("getUserByEmail", async () => {
  const created = await adapter.createUser(newUser());
  assert.deepStrictEqual(await adapter.getUserByEmail(created.email), created);
  assert.strictEqual(await adapter.getUserByEmail(`${newLogin()}@example.com`), null);
});

test("a passkey's address is found however it is written", async () => {
  const created = await adapter.createUser(newUser({ email: `${newLogin().toUpperCase()}@Example.com` }));
  assert.equal(created.email, created.email.toLowerCase());
  assert.deepStrictEqual(await adapter.getUserByEmail(created.email.toUpperCase()), created);
});

test("linkAccount, getUserByAccount, getAccount and unlinkAccount", async () => {
  const user = await adapter.createUser(newUser());
  const account = newAccount(user.id);
  await adapter.linkAccount(account);
  const { provider, providerAccountId } = account;
  assert.deepStrictEqual(await adapter.getUserByAccount({ provider, providerAccountId }), user);
  assert.deepStrictEqual(await adapter.getAccount(providerAccountId, provider), account);
  assert.strictEqual(await adapter.getAccount(provider, providerAccountId), null);
  assert.strictEqual(await adapter.getUserByAccount({ provider: "other", providerAccountId }), null);
  assert.strictEqual(await adapter.getUserByAccount({ provider, providerAccountId: "other" }), null);
  await adapter.unlinkAccount({ provider, providerAccountId });
  assert.strictEqual(await adapter.getUserByAccount({ provider, providerAccountId }), null);
  await adapter.unlinkAccount({ provider, providerAccountId });
});

test("a number as an account's id, extra fields, long tokens and strange characters", async () => {
  const user = await adapter.createUser(newUser());
  const providerAccountId = Math.floor(Math.random() * 1e15);
  await adapter.linkAccount(newAccount(user.id, { providerAccountId, refresh_token_expires_in: 1 }));
  assert.deepStrictEqual(await adapter.getUserByAccount({ provider: "github", providerAccountId }), user);
  const strange = newAccount(user.id, { provider: "a/b c", providerAccountId: `?#%+=& /\\"'é😀${randomUUID()}`, access_token: "t".repeat(12_000), expires_at: 4_294_967_296_000 });
  await adapter.linkAccount(strange);
  assert.deepStrictEqual(await adapter.getAccount(strange.providerAccountId, "a/b c"), strange);
});

test("updateUser", async () => {
  const user = await adapter.createUser(newUser());
  assert.deepStrictEqual(await adapter.updateUser({ id: user.id, name: "Changed" }), { ...user, name: "Changed" });
  assert.deepStrictEqual(await adapter.updateUser({ id: user.id, name: undefined, image: null }), { ...user, name: "Changed", image: null });
  const emailVerified = at(-1000);
  assert.deepStrictEqual(await adapter.updateUser({ id: user.id, emailVerified }), { ...user, name: "Changed", image: null, emailVerified });
  assert.deepStrictEqual(await adapter.getUser(user.id), { ...user, name: "Changed", image: null, emailVerified });
  await assert.rejects(adapter.updateUser({ id: randomUUID(), name: "Nobody" }), { code: "user_not_found" });
});

test("deleteUser takes everything along and minds no unknown id", async () => {
  const user = await adapter.createUser(newUser());
  const [session, account, authenticator] = [newSession(user.id), newAccount(user.id), newAuthenticator(user.id)];
  await adapter.createSession(session);
  await adapter.linkAccount(account);
  await adapter.createAuthenticator(authenticator);
  await adapter.deleteUser(user.id);
  assert.strictEqual(await adapter.getUser(user.id), null);
  assert.strictEqual(await adapter.getSessionAndUser(session.sessionToken), null);
  assert.strictEqual(await adapter.getUserByAccount(account), null);
  assert.strictEqual(await adapter.getAuthenticator(authenticator.credentialID), null);
  await adapter.deleteUser(user.id);
});

test("createSession, getSessionAndUser, updateSession and deleteSession", async () => {
  const user = await adapter.createUser(newUser());
  const session = newSession(user.id);
  assert.strictEqual(await adapter.getSessionAndUser(session.sessionToken), null);
  assert.deepStrictEqual(await adapter.createSession(session), session);
  assert.deepStrictEqual(await adapter.getSessionAndUser(session.sessionToken), { session, user });
  const expires = at(8 * 24 * 60 * 60 * 1000);
  await adapter.updateSession({ sessionToken: session.sessionToken, expires });
  assert.deepStrictEqual(await adapter.getSessionAndUser(session.sessionToken), { session: { ...session, expires }, user });
  assert.deepStrictEqual(await adapter.deleteSession(session.sessionToken), { ...session, expires });
  assert.strictEqual(await adapter.getSessionAndUser(session.sessionToken), null);
  assert.strictEqual(await adapter.deleteSession(session.sessionToken), null);
  assert.strictEqual(await adapter.updateSession({ sessionToken: session.sessionToken, expires }), null);
  assert.strictEqual(await adapter.getSessionAndUser(session.sessionToken), null, "an update makes no session");
  await assert.rejects(adapter.createSession(newSession(randomUUID())), { code: "user_not_found" });
});

test("a session that is over is none", async () => {
  const user = await adapter.createUser(newUser());
  const session = { ...newSession(user.id), expires: new Date("2001-01-01T00:00:00.001Z") };
  assert.deepStrictEqual(await adapter.createSession(session), session);
  assert.strictEqual(await adapter.getSessionAndUser(session.sessionToken), null);
});

test("createVerificationToken and useVerificationToken", async () => {
  const token = newToken();
  assert.deepStrictEqual(await adapter.createVerificationToken(token), token);
  assert.strictEqual(await adapter.useVerificationToken({ identifier: "else@example.com", token: token.token }), null);
  assert.strictEqual(await adapter.useVerificationToken({ identifier: undefined, token: token.token }), null);
  const used = await Promise.all(Array.from({ length: 50 }, () => adapter.useVerificationToken({ identifier: token.identifier, token: token.token })));
  assert.deepStrictEqual(used.filter(Boolean), [token]);
});

test("authenticators", async () => {
  const user = await adapter.createUser(newUser());
  assert.deepStrictEqual(await adapter.listAuthenticatorsByUserId(user.id), []);
  assert.deepStrictEqual(await adapter.listAuthenticatorsByUserId("no id"), []);
  const [one, two] = [newAuthenticator(user.id), newAuthenticator(user.id, { counter: 4_294_967_295, credentialDeviceType: "multiDevice", credentialBackedUp: true })];
  assert.deepStrictEqual(await adapter.createAuthenticator(one), one);
  assert.deepStrictEqual(await adapter.createAuthenticator(two), two);
  await assert.rejects(adapter.createAuthenticator(one), { code: "authenticator_taken" });
  assert.deepStrictEqual(await adapter.getAuthenticator(one.credentialID), one);
  assert.strictEqual(await adapter.getAuthenticator(randomBytes(16).toString("base64")), null);
  assert.deepStrictEqual(await adapter.listAuthenticatorsByUserId(user.id), [one, two]);
  assert.deepStrictEqual(await adapter.updateAuthenticatorCounter(one.credentialID, 5), { ...one, counter: 5 });
  assert.deepStrictEqual(await adapter.updateAuthenticatorCounter(one.credentialID, 0), one);
  await assert.rejects(adapter.updateAuthenticatorCounter(randomBytes(16).toString("base64"), 1), { code: "authenticator_not_found" });
  const { transports, ...bare } = newAuthenticator(user.id, { credentialID: randomBytes(1000).toString("base64") });
  bare.providerAccountId = bare.credentialID;
  assert.deepStrictEqual(await adapter.createAuthenticator(bare), bare);
});
