import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Browser,
  UNAUTHORIZED,
  assertClientRefused,
  assertCookiesCleared,
  assertRefused,
  get,
  isSignedIn,
  onAnotherDevice,
  post,
  signedUp,
} from "./support.mjs";

describe("deleting an account", () => {
  for (const [how, body] of [
    ["with the password", (person) => ({ password: person.password })],
    ["soon after signing in", () => ({})],
  ])
    test(`${how} ends everything and clears the cookies`, async () => {
      const { browser, person } = await signedUp();
      const phone = await onAnotherDevice(person);
      const { data, error } = await browser.auth.deleteUser(body(person));
      assert.equal(error, null);
      assert.deepEqual(data, { success: true, message: "User deleted" });
      assertCookiesCleared(browser.last.setCookie);
      assert.ok(!(await isSignedIn(phone.browser)));
      const { error: gone } = await new Browser().auth.signIn.email(person);
      assert.equal(gone.code, "INVALID_EMAIL_OR_PASSWORD");
      assert.equal((await new Browser().auth.signUp.email(person)).error, null);
    });

  test("takes the right password", async () => {
    const { browser } = await signedUp();
    assertClientRefused(await browser.auth.deleteUser({ password: "nope-nope" }), 400, {
      message: "Invalid password",
      code: "INVALID_PASSWORD",
    });
    assert.ok(await isSignedIn(browser));
  });

  test("takes a session", async () => {
    assertRefused(await post("/delete-user", {}), 401, UNAUTHORIZED);
    assertRefused(await get("/delete-user/callback?token=bad"), 404, {
      message: "Failed to get user info",
      code: "FAILED_TO_GET_USER_INFO",
    });
  });

  test("takes a good token where one is given", async () => {
    const { browser } = await signedUp();
    const invalidToken = { message: "Invalid token", code: "INVALID_TOKEN" };
    assertClientRefused(await browser.auth.deleteUser({ token: "bad" }), 404, invalidToken);
    assertRefused(await get("/delete-user/callback?token=bad", browser.headers), 404, invalidToken);
    assert.ok(await isSignedIn(browser));
  });
});
