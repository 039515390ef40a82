import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { anonymousClient } from "better-auth/client/plugins";
import { Browser, UNAUTHORIZED, assertClientRefused, assertRemembered, assertToken, isSignedIn, signedUp } from "./support.mjs";

const open = () => new Browser({ plugins: [anonymousClient()] });

describe("anonymous users", () => {
  test("sign in without saying who they are", async () => {
    const browser = open();
    const { data, error } = await browser.auth.signIn.anonymous();
    assert.equal(error, null);
    assertToken(data.token);
    assert.equal(data.user.isAnonymous, true);
    assertRemembered(browser.last.setCookie);
    assert.equal((await browser.auth.getSession()).data.user.id, data.user.id);
  });

  test("do so once", async () => {
    const browser = open();
    await browser.auth.signIn.anonymous();
    assertClientRefused(await browser.auth.signIn.anonymous(), 400, {
      message: "Anonymous users cannot sign in again anonymously",
      code: "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY",
    });
  });

  test("delete what there is of them", async () => {
    const browser = open();
    await browser.auth.signIn.anonymous();
    assert.deepEqual((await browser.auth.deleteAnonymousUser()).data, { success: true });
    assert.equal(await isSignedIn(browser), false);
  });

  test("and nobody else does so this way", async () => {
    const browser = open();
    await signedUp({ browser });
    assertClientRefused(await browser.auth.deleteAnonymousUser(), 403, { message: "User is not anonymous", code: "USER_IS_NOT_ANONYMOUS" });
    assertClientRefused(await open().auth.deleteAnonymousUser(), 401, UNAUTHORIZED);
  });
});
