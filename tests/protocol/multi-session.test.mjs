import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { multiSessionClient } from "better-auth/client/plugins";
import { Browser, UNAUTHORIZED, assertClientRefused, get, isSignedIn, signedUp, stranger } from "./support.mjs";

const INVALID = { message: "Invalid session token", code: "INVALID_SESSION_TOKEN" };
const open = () => new Browser({ plugins: [multiSessionClient()] });

/** A browser that is signed in as two people, the second of them active. */
async function two() {
  const first = await signedUp({ browser: open() });
  const { browser } = first;
  const copy = browser.headers;
  const second = stranger();
  const { data } = await browser.auth.signUp.email(second);
  return { browser, copy, first, second: { person: second, user: data.user, token: data.token } };
}
const whoIs = async (browser) => (await browser.auth.getSession()).data?.user.id;

describe("several users of one browser", () => {
  test("are listed with the session and user of get-session, the newest first", async () => {
    const { browser, first, second } = await two();
    const { data, error } = await browser.auth.multiSession.listDeviceSessions();
    assert.equal(error, null);
    assert.deepEqual(
      data.map(({ session, user }) => [session.token, user.id]),
      [
        [second.token, second.user.id],
        [first.token, first.user.id],
      ],
    );
    assert.deepEqual(data[0], (await browser.auth.getSession()).data);
  });

  test("are nobody without cookies", async () => {
    assert.deepEqual((await open().auth.multiSession.listDeviceSessions()).data, []);
  });

  test("take turns", async () => {
    const { browser, first, second } = await two();
    for (const { token, user } of [first, second]) {
      const { data, error } = await browser.auth.multiSession.setActive({ sessionToken: token });
      assert.equal(error, null);
      assert.deepEqual(data, (await browser.auth.getSession()).data);
      assert.equal(data.user.id, user.id);
    }
  });

  test("cannot be switched to by a token that this browser does not hold", async () => {
    const { browser, second } = await two();
    const elsewhere = await signedUp();
    assertClientRefused(await browser.auth.multiSession.setActive({ sessionToken: elsewhere.token }), 401, INVALID);
    assertClientRefused(await browser.auth.multiSession.revoke({ sessionToken: elsewhere.token }), 401, INVALID);
    assertClientRefused(await open().auth.multiSession.setActive({ sessionToken: second.token }), 401, INVALID);
    assert.equal(await whoIs(browser), second.user.id);
    assert.ok(await isSignedIn(elsewhere.browser));
  });

  test("leave one after the other", async () => {
    const { browser, first, second } = await two();
    const { data, error } = await browser.auth.multiSession.revoke({ sessionToken: second.token });
    assert.equal(error, null);
    assert.deepEqual(data, { status: true });
    assert.equal(await whoIs(browser), first.user.id);
    await browser.auth.multiSession.revoke({ sessionToken: first.token });
    assert.equal(await whoIs(browser), undefined);
    assertClientRefused(await browser.auth.multiSession.revoke({ sessionToken: first.token }), 401, UNAUTHORIZED);
  });

  test("leave together by signing out", async () => {
    const { browser, copy } = await two();
    await browser.auth.signOut();
    assert.equal(browser.jar.header(), "better-auth.last_used_login_method=email");
    assert.equal((await get("/get-session", copy)).text, "null");
  });

  test("are different users: signing in again replaces one's own session", async () => {
    const { browser, copy, first } = await two();
    await browser.auth.signIn.email({ email: first.person.email, password: first.person.password });
    assert.equal((await browser.auth.multiSession.listDeviceSessions()).data.length, 2);
    assert.equal((await get("/get-session", copy)).text, "null");
  });
});
