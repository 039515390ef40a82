import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Browser, assertCookiesCleared, get, isSignedIn, onAnotherDevice, post, send, signedUp, assertNoCookies } from "./support.mjs";

describe("signing out", () => {
  test("ends the session and clears the three cookies", async () => {
    const { browser } = await signedUp();
    const { headers } = browser;
    const { data, error } = await browser.auth.signOut();
    assert.equal(error, null);
    assert.deepEqual(data, { success: true });
    assertCookiesCleared(browser.last.setCookie);
    assertNoCookies(browser.jar);
    assert.equal((await browser.auth.getSession()).data, null);
    assert.equal((await get("/get-session", headers)).text, "null", "a copy of the cookie is worth nothing");
  });

  test("clears the cookies of a session that is not remembered too", async () => {
    const { browser } = await signedUp({ rememberMe: false });
    await browser.auth.signOut();
    assertNoCookies(browser.jar);
  });

  test("leaves the user's other devices signed in", async () => {
    const { browser, person } = await signedUp();
    const { browser: other } = await onAnotherDevice(person);
    await browser.auth.signOut();
    assert.ok(await isSignedIn(other));
    assert.equal((await other.auth.listSessions()).data.length, 1);
  });

  test("is a success for nobody as well", async () => {
    const browser = new Browser();
    const { data, error } = await browser.auth.signOut();
    assert.equal(error, null);
    assert.deepEqual(data, { success: true });
    assertCookiesCleared(browser.last.setCookie);
  });

  test("twice with the same cookie is a success twice", async () => {
    const { browser } = await signedUp();
    const { headers } = browser;
    for (let i = 0; i < 2; i++) {
      const answer = await post("/sign-out", {}, headers);
      assert.deepEqual(answer.json, { success: true });
      assertCookiesCleared(answer.setCookie);
    }
  });

  test("with a forged cookie is a success that ends nothing", async () => {
    const { browser } = await signedUp();
    const cookie = `better-auth.session_token=${browser.jar.sessionCookie.slice(0, -4)}`;
    assert.deepEqual((await post("/sign-out", {}, { ...browser.headers, cookie })).json, { success: true });
    assert.ok(await isSignedIn(browser));
  });

  test("needs no body", async () => {
    const { browser } = await signedUp();
    const answer = await send("POST", "/sign-out", { headers: browser.headers });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { success: true });
    assert.ok(!(await isSignedIn(browser)));
  });

  test("and in again gives a new session", async () => {
    const { browser, person, token } = await signedUp();
    await browser.auth.signOut();
    const { data } = await browser.auth.signIn.email({ email: person.email, password: person.password });
    assert.notEqual(data.token, token);
    assert.ok(await isSignedIn(browser));
  });
});
