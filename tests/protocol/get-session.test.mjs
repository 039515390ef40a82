import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  Browser,
  assertClientRefused,
  assertCookiesCleared,
  assertSession,
  assertUser,
  get,
  isSignedIn,
  onAnotherDevice,
  post,
  send,
  sessionSeconds,
  signedUp,
  assertNoCookies,
} from "./support.mjs";

const NAME = "better-auth.session_token";

function assertNullAnswer(answer) {
  assert.equal(answer.status, 200);
  assert.equal(answer.text, "null");
  assert.match(answer.headers["content-type"], /^application\/json\b/);
  assertNotStored(answer);
}

function assertNotStored({ headers }) {
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers.pragma, "no-cache");
}

describe("asking who is signed in", () => {
  let browser, person, user, token;
  before(async () => ({ browser, person, user, token } = await signedUp({ image: "http://img.test/a.png" })));

  test("answers null, not {} or 401, when nobody is", async () => {
    assertNullAnswer(await get("/get-session"));
    const { data, error } = await new Browser().auth.getSession();
    assert.equal(data, null);
    assert.equal(error, null);
  });

  test("answers session and user and nothing else", async () => {
    const { data, error } = await browser.auth.getSession();
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), ["session", "user"]);
    assertSession(data.session, { token, userId: user.id, userAgent: browser.userAgent });
    assertUser(data.user, {
      id: user.id,
      name: person.name,
      email: person.email,
      emailVerified: false,
      image: "http://img.test/a.png",
    });
  });

  test("gives dates that the client can calculate with", async () => {
    const { session, user } = (await browser.auth.getSession()).data;
    for (const date of [session.expiresAt, session.createdAt, session.updatedAt, user.createdAt, user.updatedAt])
      assert.ok(date instanceof Date);
    assert.ok(Math.abs(session.expiresAt - session.createdAt - sessionSeconds * 1000) < 5000);
  });

  test("sends nulls as null, over the wire too", async () => {
    const { browser } = await signedUp();
    const answer = await get("/get-session", browser.headers);
    assertSession(answer.json.session);
    assertUser(answer.json.user, { image: null });
  });

  test("is never stored by a cache", async () => assertNotStored(await get("/get-session", browser.headers)));

  test("says the same when asked again, and does not send the cookie again", async () => {
    const first = await get("/get-session", browser.headers),
      second = await get("/get-session", browser.headers);
    assert.deepEqual(second.json, first.json);
    assert.deepEqual(second.setCookie, []);
  });

  test("understands disableCookieCache and disableRefresh", async () => {
    const { data, error } = await browser.auth.getSession({
      query: { disableCookieCache: true, disableRefresh: true },
    });
    assert.equal(error, null);
    assert.equal(data.user.id, user.id);
  });

  test("finds its cookie among others", async () => {
    const cookie = `theme=dark; ${NAME}_other=x; ${browser.jar.header()}; lang=de`;
    assert.equal((await get("/get-session", { cookie })).json.user.id, user.id);
  });

  test("works on every device at once", async () => {
    const other = await onAnotherDevice(person, { userAgent: "Phone/2" });
    const { session } = (await other.browser.auth.getSession()).data;
    assertSession(session, { token: other.token, userId: user.id, userAgent: "Phone/2" });
    assert.ok(await isSignedIn(browser));
  });

  test("is 405 by POST, signed in or not", async () => {
    const refusal = {
      message: "POST method requires deferSessionRefresh to be enabled in session config",
      code: "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
    };
    for (const headers of [browser.headers, {}]) {
      const answer = await post("/get-session", {}, headers);
      assert.equal(answer.status, 405);
      assert.deepEqual(answer.json, refusal);
      assertNotStored(answer);
    }
    assertClientRefused(await browser.auth.getSession({ fetchOptions: { method: "POST" } }), 405, refusal);
    assert.equal((await send("POST", "/get-session")).status, 405);
  });
});

describe("a session cookie that was not made here", () => {
  let value;
  before(async () => {
    const { browser } = await signedUp();
    value = decodeURIComponent(browser.jar.sessionCookie);
  });

  const other = (letter) => (letter === "A" ? "B" : "A");
  const at = (text, index, change) => text.slice(0, index) + change(text[index]) + text.slice(index + 1);

  for (const [why, forge] of [
    ["is empty", () => ""],
    ["is nonsense", () => "abc.def"],
    ["has another token under the same signature", (v) => at(v, 0, other)],
    ["has one letter of the signature changed", (v) => at(v, v.lastIndexOf(".") + 1, other)],
    ["has lost the end of its signature", (v) => v.slice(0, -3)],
    ["has lost the padding of its signature", (v) => v.slice(0, -1)],
    ["has lost its signature", (v) => v.slice(0, v.lastIndexOf("."))],
    ["has lost its signature but not the dot", (v) => v.slice(0, v.lastIndexOf(".") + 1)],
    ["has lost its token", (v) => v.slice(v.lastIndexOf("."))],
    ["has letters after its signature", (v) => `${v}x`],
    ["is very long", () => `${"a".repeat(3000)}.${"b".repeat(43)}=`],
  ])
    test(`counts as none when it ${why}, and is not cleared`, async () => {
      const cookie = `${NAME}=${encodeURIComponent(forge(value))}`;
      const answer = await get("/get-session", { cookie });
      assertNullAnswer(answer);
      assert.deepEqual(answer.setCookie, []);
    });

  test("counts as none when its percent-encoding is broken", async () => {
    const answer = await get("/get-session", { cookie: `${NAME}=%E0%A4%A.%` });
    assertNullAnswer(answer);
    assert.deepEqual(answer.setCookie, []);
  });

  test("is still good when nothing is changed", async () => {
    assert.notEqual((await get("/get-session", { cookie: `${NAME}=${encodeURIComponent(value)}` })).json, null);
  });
});

describe("the cookie of a session that has ended", () => {
  test("answers null and is cleared with its two companions", async () => {
    const { browser } = await signedUp();
    const { headers } = browser;
    await browser.auth.signOut();
    const answer = await get("/get-session", headers);
    assertNullAnswer(answer);
    assertCookiesCleared(answer.setCookie);
  });

  test("is gone from the browser afterwards", async () => {
    const { browser, person, token } = await signedUp();
    const other = await onAnotherDevice(person);
    await other.browser.auth.revokeSession({ token });
    assert.ok(browser.jar.sessionCookie);
    assert.equal((await browser.auth.getSession()).data, null);
    assertNoCookies(browser.jar);
  });
});
