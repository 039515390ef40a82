import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openChromium, openProfile } from "./support.mjs";

let browser;
before(async () => (browser = await openChromium()));
after(() => browser?.close());

const open = async (t, options) => {
  const profile = await openProfile(browser, options);
  t.after(async () => {
    assert.deepEqual(profile.problems, []);
    await profile.context.close();
  });
  return profile;
};
const registered = async (t, options) => {
  const profile = await open(t, options);
  const person = await profile.signUp();
  const { data: passkey, error } = await profile.call("passkey.addPasskey", { name: "laptop" });
  assert.equal(error, null);
  return { profile, person, passkey };
};

describe("passkeys in Chromium", () => {
  test("are registered, and sign in whoever does not say who they are", async (t) => {
    const { profile, person, passkey } = await registered(t);
    assert.equal(passkey.userId, person.id);
    assert.equal(passkey.transports, "internal");
    const [key] = await profile.keys();
    assert.equal(Buffer.from(key.credentialId, "base64").toString("base64url"), passkey.credentialID);
    assert.deepEqual([key.rpId, key.isResidentCredential], ["localhost", true]);

    await profile.call("signOut");
    assert.equal(await profile.user(), null);
    const { data, error } = await profile.call("signIn.passkey");
    assert.equal(error, null);
    assert.equal(data.user.email, person.email);
    assert.equal((await profile.user()).id, person.id);
  });

  test("sign in from the field of the address, without a button", async (t) => {
    const { profile, person } = await registered(t);
    await profile.call("signOut");
    const { data, error } = await profile.call("signIn.passkey", { autoFill: true });
    assert.equal(error, null);
    assert.equal(data.user.id, person.id);
  });

  test("of a security key that neither asks for a PIN nor knows its keys show that it still is their user", async (t) => {
    const { profile, person, passkey } = await registered(t, {
      authenticator: { transport: "usb", hasResidentKey: false, hasUserVerification: false },
    });
    assert.equal(passkey.transports, "usb");
    assert.equal((await profile.keys())[0].isResidentCredential, false);
    const { data, error } = await profile.call("signIn.passkey");
    assert.equal(error, null);
    assert.equal(data.user.id, person.id);
    await profile.call("signOut");
    assert.equal((await profile.call("signIn.passkey")).error.message, "Auth cancelled");
  });

  test("that are synced say so", async (t) => {
    const { passkey } = await registered(t, { authenticator: { defaultBackupEligibility: true, defaultBackupState: true } });
    assert.deepEqual([passkey.deviceType, passkey.backedUp], ["multiDevice", true]);
  });

  test("are made once on one authenticator", async (t) => {
    const { profile } = await registered(t);
    const { error } = await profile.call("passkey.addPasskey", { name: "again" });
    assert.equal(error.code, "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED");
    assert.equal((await profile.keys()).length, 1);
  });

  test("are listed by the hook, which follows every change", async (t) => {
    const { profile, passkey } = await registered(t);
    const seen = (names) => profile.page.waitForFunction((names) => JSON.stringify(window.seen.at(-1)) === names, JSON.stringify(names));
    await seen(["laptop"]);
    await profile.call("passkey.updatePasskey", { id: passkey.id, name: "desk" });
    await seen(["desk"]);
    await profile.call("passkey.deletePasskey", { id: passkey.id });
    await seen([]);
    const { error } = await profile.call("signIn.passkey");
    assert.deepEqual([error.status, error.code], [401, "PASSKEY_NOT_FOUND"]);
  });

  test("do not sign in from a copied authenticator", async (t) => {
    const { profile, person } = await registered(t);
    const [stolen] = await profile.keys();
    const thief = await open(t);
    await thief.give(stolen);

    await profile.call("signOut");
    assert.equal((await profile.call("signIn.passkey")).data.user.id, person.id);
    const { data, error } = await thief.call("signIn.passkey");
    assert.equal(data, null);
    assert.deepEqual([error.status, error.code], [400, "AUTHENTICATION_FAILED"]);
    assert.equal(await thief.user(), null);
  });

  test("count beyond what a signed number of 32 bits holds", async (t) => {
    const { profile, person } = await registered(t);
    const [key] = await profile.keys();
    const laptop = await open(t);
    await laptop.give({ ...key, signCount: 2_147_483_700 });
    assert.equal((await laptop.call("signIn.passkey")).data.user.id, person.id);
    const [{ counter }] = (await laptop.call("passkey.listUserPasskeys")).data;
    assert.ok(counter > 2_147_483_647, `${counter}`);
  });

  test("are out of reach of a page that the server does not trust", async (t) => {
    const { profile } = await registered(t);
    const [key] = await profile.keys();
    const elsewhere = await open(t, { stranger: true });
    await elsewhere.give(key);
    await assert.rejects(elsewhere.call("signIn.passkey"), /Failed to fetch/);
  });
});
