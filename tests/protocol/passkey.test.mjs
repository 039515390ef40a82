// The official passkey client with an authenticator in software; tests/browser has the real ones.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { passkeyClient } from "@better-auth/passkey/client";
import { Authenticator, fromJson, toJson } from "./authenticator.mjs";
import {
  Browser, UNAUTHORIZED, assertClientRefused, assertRemembered, assertSession, assertUser, get, invalid, isSignedIn, origin, post, signedUp,
} from "./support.mjs";

const CHALLENGE_NOT_FOUND = { message: "Challenge not found", code: "CHALLENGE_NOT_FOUND" };
const NOT_FOUND = { message: "Passkey not found", code: "PASSKEY_NOT_FOUND" };
const NOT_YOURS = { message: "You are not allowed to register this passkey", code: "YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY" };
const SIGN_IN_FAILED = { message: "Authentication failed", code: "AUTHENTICATION_FAILED" };
const REGISTRATION_FAILED = { message: "Failed to verify registration", code: "FAILED_TO_VERIFY_REGISTRATION" };

const open = () => new Browser({ plugins: [passkeyClient()] });
const withKey = async ({ counter, ...options } = {}) => {
  const authenticator = new Authenticator({ origin, counter }).plugIn();
  const person = await signedUp({ browser: open() });
  const { data, error } = await person.browser.auth.passkey.addPasskey({ name: "laptop", ...options });
  assert.equal(error, null);
  return { ...person, authenticator, passkey: data };
};

function assertPasskey(passkey, expected = {}) {
  assert.deepEqual(Object.keys(passkey).sort(), [
    "aaguid", "backedUp", "counter", "createdAt", "credentialID", "deviceType", "id", "name", "publicKey", "transports", "userId",
  ]);
  assert.ok(passkey.createdAt instanceof Date);
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(passkey[name], value, `passkey.${name}`);
}

describe("passkeys", () => {
  test("are registered, listed, renamed and deleted", async () => {
    const { browser, user, passkey } = await withKey({ authenticatorAttachment: "platform" });
    assertPasskey(passkey, {
      name: "laptop", userId: user.id, counter: 0, deviceType: "singleDevice", backedUp: false, transports: "internal",
      aaguid: "00000000-0000-0000-0000-000000000000",
    });
    assert.deepEqual((await browser.auth.passkey.listUserPasskeys()).data, [passkey]);

    const renamed = await browser.auth.passkey.updatePasskey({ id: passkey.id, name: "desk" });
    assert.deepEqual(renamed.data, { passkey: { ...passkey, name: "desk" } });
    assert.deepEqual((await browser.auth.passkey.deletePasskey({ id: passkey.id })).data, { status: true });
    assert.deepEqual((await browser.auth.passkey.listUserPasskeys()).data, []);
  });

  test("sign in, without anybody saying who they are", async () => {
    const { user, authenticator } = await withKey({ counter: 4_294_967_290 });
    const phone = open();
    const { data, error } = await phone.auth.signIn.passkey();
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), ["session", "user"]);
    assertUser(data.user, { id: user.id });
    assertSession(data.session, { userId: user.id });
    assertRemembered(phone.last.setCookie);
    assert.ok(await isSignedIn(phone));
    assert.equal((await phone.auth.passkey.listUserPasskeys()).data[0].counter, authenticator.counter);
  });

  test("make a session with the registration where asked to", async () => {
    const { browser, passkey, user } = await withKey({ createSession: true });
    const { session, user: told, ...rest } = passkey;
    assertPasskey(rest, { userId: user.id });
    assertSession(session, { userId: user.id });
    assertUser(told, { id: user.id });
    assertRemembered(browser.last.setCookie);
  });

  test("of whoever is signed in are asked for by name", async () => {
    const { browser, passkey } = await withKey();
    const options = await browser.auth.$fetch("/passkey/generate-authenticate-options");
    assert.deepEqual(options.data.allowCredentials, [{ type: "public-key", id: passkey.credentialID, transports: ["internal"] }]);
    assert.equal((await browser.auth.signIn.passkey()).error, null);
  });

  test("of one authenticator are made once: it knows, and so does the server", async () => {
    const { browser, authenticator } = await withKey();
    assertClientRefused(await browser.auth.passkey.addPasskey(), 400, {
      code: "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED",
      message: "Previously registered",
    });
    const { data: options } = await browser.auth.$fetch("/passkey/generate-register-options");
    const { id } = options.excludeCredentials[0];
    const again = new Authenticator({ origin, nextId: () => Buffer.from(id, "base64url") });
    const response = toJson(again.create(fromJson({ ...options, excludeCredentials: [] })));
    const answer = await browser.auth.$fetch("/passkey/verify-registration", { method: "POST", body: { response } });
    assertClientRefused(answer, 400, { message: "Previously registered", code: "PREVIOUSLY_REGISTERED" });
    assert.ok(authenticator);
  });
});

describe("passkeys are refused", () => {
  test("when a copied authenticator signs in after the real one", async () => {
    const { authenticator } = await withKey({ counter: 5 });
    const copy = authenticator.copy();
    assert.equal((await open().auth.signIn.passkey()).error, null);
    copy.plugIn();
    const thief = open();
    assertClientRefused(await thief.auth.signIn.passkey(), 400, SIGN_IN_FAILED);
    assert.ok(!(await isSignedIn(thief)));
  });

  test("from another page", async () => {
    const { authenticator, browser } = await withKey();
    authenticator.origin = "https://evil.example";
    assertClientRefused(await open().auth.signIn.passkey(), 400, SIGN_IN_FAILED);
    new Authenticator({ origin: "https://evil.example" }).plugIn();
    assertClientRefused(await browser.auth.passkey.addPasskey(), 400, REGISTRATION_FAILED);
  });

  test("when nobody has them any more", async () => {
    const { browser, passkey } = await withKey();
    await browser.auth.passkey.deletePasskey({ id: passkey.id });
    assertClientRefused(await open().auth.signIn.passkey(), 401, NOT_FOUND);
  });

  test("without a challenge, and with one that was used", async () => {
    const { authenticator, browser } = await withKey();
    const body = { response: {} };
    assert.deepEqual((await post("/passkey/verify-authentication", body)).json, CHALLENGE_NOT_FOUND);
    const phone = open();
    const { data: options } = await phone.auth.$fetch("/passkey/generate-authenticate-options");
    const answer = { method: "POST", body: { response: toJson(authenticator.get(fromJson(options))) } };
    assert.equal((await phone.auth.$fetch("/passkey/verify-authentication", answer)).error, null);
    assertClientRefused(await phone.auth.$fetch("/passkey/verify-authentication", answer), 400, CHALLENGE_NOT_FOUND);

    // Made for signing in, so not good for a registration.
    await browser.auth.$fetch("/passkey/generate-authenticate-options");
    assertClientRefused(await browser.auth.$fetch("/passkey/verify-registration", { method: "POST", body }), 400, CHALLENGE_NOT_FOUND);
  });

  test("when the challenge was another user's", async () => {
    const [{ browser }, other] = [await withKey(), await signedUp({ browser: open() })];
    await browser.auth.$fetch("/passkey/generate-register-options");
    const challenge = browser.jar.get("better-auth.better-auth-passkey");
    other.browser.jar.store([`better-auth.better-auth-passkey=${challenge}; Max-Age=300`]);
    const answer = await other.browser.auth.$fetch("/passkey/verify-registration", { method: "POST", body: { response: {} } });
    assertClientRefused(answer, 401, NOT_YOURS);
  });

  test("when the user cancels", async () => {
    const { browser } = await withKey();
    new Authenticator({ origin }).plugIn();
    assertClientRefused(await browser.auth.signIn.passkey(), 400, {
      code: "ERROR_PASSTHROUGH_SEE_CAUSE_PROPERTY",
      message: "Auth cancelled",
    });
  });

  test("when they are somebody else's, or nobody's", async () => {
    const [{ passkey }, eve] = [await withKey(), await signedUp({ browser: open() })];
    const { passkey: api } = eve.browser.auth;
    const foreign = await api.deletePasskey({ id: passkey.id });
    assert.deepEqual([foreign.error.status, foreign.error.code, foreign.error.message], [401, undefined, undefined]);
    assertClientRefused(await api.updatePasskey({ id: passkey.id, name: "mine" }), 401, NOT_YOURS);
    assertClientRefused(await api.deletePasskey({ id: "nope" }), 404, NOT_FOUND);
    assertClientRefused(await api.updatePasskey({ id: "nope", name: "x" }), 404, NOT_FOUND);
    assertClientRefused(
      await api.updatePasskey({ id: passkey.id, name: " " }), 400, invalid("[body.name] Too small: expected string to have >=1 characters"));
  });

  test("to whoever is signed out", async () => {
    const { passkey: api } = open().auth;
    assertClientRefused(await api.addPasskey(), 401, UNAUTHORIZED);
    assertClientRefused(await api.listUserPasskeys(), 401, UNAUTHORIZED);
    assertClientRefused(await api.deletePasskey({ id: "x" }), 401, UNAUTHORIZED);
    assertClientRefused(await api.updatePasskey({ id: "x", name: "y" }), 401, UNAUTHORIZED);
    assert.deepEqual((await get("/passkey/generate-authenticate-options")).json.allowCredentials, undefined);
  });
});
