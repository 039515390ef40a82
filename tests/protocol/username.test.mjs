import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { usernameClient } from "better-auth/client/plugins";
import { Browser, assertClientRefused, assertRemembered, assertToken, isSignedIn, signedUp } from "./support.mjs";

const open = () => new Browser({ plugins: [usernameClient()] });
const name = `Ada_${Date.now().toString(36)}`;
const TAKEN = { message: "Username is already taken. Please try another.", code: "USERNAME_IS_ALREADY_TAKEN" };
const WRONG = { message: "Invalid username or password", code: "INVALID_USERNAME_OR_PASSWORD" };

let person, user;
before(async () => ({ person, user } = await signedUp({ browser: open(), username: name })));

describe("usernames", () => {
  test("are kept in lower case, and shown as they were written", () => {
    assert.equal(user.username, name.toLowerCase());
    assert.equal(user.displayUsername, name);
  });

  test("sign in, in any case, and refetch the session as signing in by e-mail does", async () => {
    const browser = open();
    const { data, error } = await browser.auth.signIn.username({ username: name.toUpperCase(), password: person.password });
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), ["redirect", "token", "user"]);
    assertToken(data.token);
    assert.deepEqual(data.user, user);
    assertRemembered(browser.last.setCookie);
    assert.ok(await isSignedIn(browser));
  });

  test("say where to go on", async () => {
    const { data } = await open().auth.signIn.username({ username: name, password: person.password, callbackURL: "/dash" });
    assert.deepEqual([data.redirect, data.url], [true, "/dash"]);
  });

  test("tell a wrong password from nothing", async () => {
    assertClientRefused(await open().auth.signIn.username({ username: name, password: "wrong-horse-1" }), 401, WRONG);
    assertClientRefused(await open().auth.signIn.username({ username: `${name}_x`, password: "wrong-horse-1" }), 401, WRONG);
  });

  for (const [given, code, message] of [
    ["ab", "USERNAME_TOO_SHORT", "Username is too short"],
    ["a".repeat(31), "USERNAME_TOO_LONG", "Username is too long"],
    ["a b c", "INVALID_USERNAME", "Username is invalid"],
  ])
    test(`refuse ${given}: 422 where it is asked about, 400 where it is chosen`, async () => {
      assertClientRefused(await open().auth.signIn.username({ username: given, password: "wrong-horse-1" }), 422, { message, code });
      assertClientRefused(await open().auth.isUsernameAvailable({ username: given }), 422, { message, code });
      const browser = open();
      await signedUp({ browser });
      assertClientRefused(await browser.auth.updateUser({ username: given }), 400, { message, code });
    });

  test("are available or not", async () => {
    assert.deepEqual((await open().auth.isUsernameAvailable({ username: name })).data, { available: false });
    assert.deepEqual((await open().auth.isUsernameAvailable({ username: `${name}_2` })).data, { available: true });
  });

  test("can be changed, but not to somebody else's", async () => {
    const browser = open();
    await signedUp({ browser });
    assertClientRefused(await browser.auth.updateUser({ username: name }), 400, TAKEN);
    assert.deepEqual((await browser.auth.updateUser({ username: `${name}_3`, displayUsername: "The Third" })).data, { status: true });
    const { data } = await browser.auth.getSession();
    assert.deepEqual([data.user.username, data.user.displayUsername], [`${name}_3`.toLowerCase(), "The Third"]);
  });
});
