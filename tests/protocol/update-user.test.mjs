import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  Browser,
  UNAUTHORIZED,
  assertClientRefused,
  assertNotRemembered,
  assertRefused,
  assertRemembered,
  invalid,
  onAnotherDevice,
  post,
  signedUp,
} from "./support.mjs";

const NOTHING = { message: "No fields to update" };

describe("changing one's own user", () => {
  let browser, person, token;
  before(async () => ({ browser, person, token } = await signedUp({ image: "http://img.test/a.png" })));

  const current = async (of = browser) => (await of.auth.getSession()).data;

  test("changes the name at once, on every device", async () => {
    const other = await onAnotherDevice(person);
    assert.equal((await current(other.browser)).user.name, person.name);
    const { data, error } = await browser.auth.updateUser({ name: "Ann Two" });
    assert.equal(error, null);
    assert.deepEqual(data, { status: true });
    assert.equal((await current()).user.name, "Ann Two");
    assert.equal((await current(other.browser)).user.name, "Ann Two");
  });

  test("moves updatedAt, and nothing else", async () => {
    const {
      user: { name, updatedAt, ...rest },
    } = await current();
    await browser.auth.updateUser({ name: "Ann Three" });
    const {
      user: { name: newName, updatedAt: newUpdatedAt, ...newRest },
    } = await current();
    assert.equal(newName, "Ann Three");
    assert.ok(newUpdatedAt > updatedAt);
    assert.deepEqual(newRest, rest);
  });

  test("sends the same session's cookie again", async () => {
    const before = browser.jar.sessionCookie;
    await browser.auth.updateUser({ name: "Ann Four" });
    assertRemembered(browser.last.setCookie);
    assert.equal(browser.jar.sessionCookie, before);
    assert.equal((await current()).session.token, token);
  });

  test("changes the image, leaves it alone when it is not named, and clears it with null", async () => {
    const { browser } = await signedUp();
    await browser.auth.updateUser({ image: "http://img.test/b.png" });
    assert.equal((await current(browser)).user.image, "http://img.test/b.png");
    await browser.auth.updateUser({ name: "Ann" });
    assert.equal((await current(browser)).user.image, "http://img.test/b.png");
    await browser.auth.updateUser({ image: null });
    assert.equal((await current(browser)).user.image, null);
  });

  test("keeps a session that is not remembered that way", async () => {
    const { browser } = await signedUp({ rememberMe: false });
    await browser.auth.updateUser({ name: "Ann" });
    assertNotRemembered(browser.last.setCookie);
  });

  test("changes only the one who asks", async () => {
    const { browser: other, person } = await signedUp();
    await browser.auth.updateUser({ name: "Somebody" });
    assert.equal((await current(other)).user.name, person.name);
  });

  test("is 400 without a code when there is nothing to change", async () => {
    assertRefused(await post("/update-user", {}, browser.headers), 400, NOTHING);
    assertRefused(await post("/update-user", { foo: 1 }, browser.headers), 400, NOTHING);
    assertRefused(await post("/update-user", { emailVerified: true }, browser.headers), 400, NOTHING);
    assertClientRefused(await browser.auth.updateUser({ foo: 1 }), 400, NOTHING);
  });

  test("goes out as GET when the client has nothing to send, and is 404", async () => {
    const { error } = await browser.auth.updateUser({});
    assert.equal(browser.last.method, "GET");
    assert.equal(error.status, 404);
  });

  test("does not change the e-mail address, nor anything beside it", async () => {
    const refusal = { message: "Email can not be updated", code: "EMAIL_CAN_NOT_BE_UPDATED" };
    const { user } = await current();
    assertClientRefused(await browser.auth.updateUser({ email: "x@y.co" }), 400, refusal);
    assertRefused(await post("/update-user", { email: "x@y.co", name: "Mallory" }, browser.headers), 400, refusal);
    assert.deepEqual((await current()).user, user);
  });

  test("does not change id or verification in passing", async () => {
    const { user } = await current();
    const answer = await post(
      "/update-user",
      { name: "Ann Five", id: "x", emailVerified: true, createdAt: "2001-01-01T00:00:00.000Z" },
      browser.headers,
    );
    assert.equal(answer.status, 200);
    const { user: found } = await current();
    assert.deepEqual({ ...found, updatedAt: null }, { ...user, name: "Ann Five", updatedAt: null });
  });

  test("refuses a role", async () => {
    assertRefused(await post("/update-user", { role: "admin" }, browser.headers), 400, {
      message: "role is not allowed to be set",
      code: "FIELD_NOT_ALLOWED",
    });
  });

  for (const [body, received] of [
    ["[1]", "array"],
    ["null", "null"],
    ['"x"', "string"],
  ])
    test(`is 400 when the body is ${body}`, async () => {
      assertRefused(
        await post("/update-user", body, browser.headers),
        400,
        invalid(`[body] Invalid input: expected record, received ${received}`),
      );
    });

  test("is 401 to nobody, but a wrong body is 400 first", async () => {
    assertClientRefused(await new Browser().auth.updateUser({ name: "x" }), 401, UNAUTHORIZED);
    assertRefused(await post("/update-user", {}), 401, UNAUTHORIZED);
    assertRefused(
      await post("/update-user", "[1]"),
      400,
      invalid("[body] Invalid input: expected record, received array"),
    );
  });
});
