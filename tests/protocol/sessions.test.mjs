import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Browser,
  UNAUTHORIZED,
  assertClientRefused,
  assertCookiesCleared,
  assertRefused,
  assertSession,
  get,
  invalid,
  isSignedIn,
  modularOnly,
  onAnotherDevice,
  post,
  sessionSeconds,
  signedUp,
  assertNoCookies,
} from "./support.mjs";

/** Somebody with a laptop, a phone and a tablet, all signed in. */
async function threeDevices() {
  const { browser: laptop, person, user, token } = await signedUp({ browser: new Browser({ userAgent: "Laptop/1" }) });
  const phone = await onAnotherDevice(person, { userAgent: "Phone/1" });
  const tablet = await onAnotherDevice(person, { userAgent: "Tablet/1" });
  return {
    laptop,
    phone: phone.browser,
    tablet: tablet.browser,
    person,
    user,
    tokens: { laptop: token, phone: phone.token, tablet: tablet.token },
  };
}

const rowOf = (rows, userAgent) => rows.find((row) => row.userAgent === userAgent);
const signedIn = (...browsers) => Promise.all(browsers.map(isSignedIn));

describe("listing sessions", () => {
  test("shows every device of the user as a session, and nobody else's", async () => {
    await signedUp();
    const { laptop, user } = await threeDevices();
    const { data, error } = await laptop.auth.listSessions();
    assert.equal(error, null);
    assert.deepEqual(data.map((row) => row.userAgent).sort(), ["Laptop/1", "Phone/1", "Tablet/1"]);
    for (const row of data) {
      assertSession(row, { userId: user.id });
      assert.ok(row.expiresAt instanceof Date);
      assert.ok(Math.abs(row.expiresAt - row.createdAt - sessionSeconds * 1000) < 5000);
    }
    assert.equal(new Set(data.map((row) => row.id)).size, 3);
    assert.equal(new Set(data.map((row) => row.token)).size, 3);
  });

  test("gives the current session exactly as get-session does, token included", async () => {
    const { laptop, tokens } = await threeDevices();
    const { session } = (await laptop.auth.getSession()).data;
    const current = rowOf((await laptop.auth.listSessions()).data, "Laptop/1");
    assert.deepEqual(current, session);
    assert.equal(current.token, tokens.laptop);
  });

  test("tells each device about the same sessions", async () => {
    const { laptop, phone } = await threeDevices();
    const ids = async (browser) => (await browser.auth.listSessions()).data.map((row) => row.id).sort();
    assert.deepEqual(await ids(phone), await ids(laptop));
  });

  test("sends dates with milliseconds and Z over the wire", async () => {
    const { browser } = await signedUp();
    const answer = await get("/list-sessions", browser.headers);
    assert.equal(answer.status, 200);
    answer.json.forEach((row) => assertSession(row));
  });

  test("does not clear a forged cookie, but is 401 to it", async () => {
    const answer = await get("/list-sessions", { cookie: "better-auth.session_token=abc.def" });
    assertRefused(answer, 401, UNAUTHORIZED);
    assert.deepEqual(answer.setCookie, []);
  });

  test("is 401 to nobody", async () => {
    assertClientRefused(await new Browser().auth.listSessions(), 401, UNAUTHORIZED);
  });

  test("is 401 to a dead session, and clears its cookies", async () => {
    const { browser } = await signedUp();
    const { headers } = browser;
    await browser.auth.signOut();
    const answer = await get("/list-sessions", headers);
    assertRefused(answer, 401, UNAUTHORIZED);
    assertCookiesCleared(answer.setCookie);
  });
});

describe("what another device's row holds instead of its token", modularOnly, () => {
  test("is not the token, which appears nowhere in the answer", async () => {
    const { laptop, tokens } = await threeDevices();
    const { text, json } = await get("/list-sessions", laptop.headers);
    assert.ok(text.includes(tokens.laptop));
    for (const secret of [tokens.phone, tokens.tablet])
      assert.ok(!text.includes(secret), "no other token is disclosed");
    assert.notEqual(rowOf(json, "Phone/1").token, tokens.phone);
  });

  test("is the same each time, so that a list does not flicker", async () => {
    const { laptop } = await threeDevices();
    const first = (await laptop.auth.listSessions()).data,
      second = (await laptop.auth.listSessions()).data;
    assert.deepEqual(second, first);
  });

  test("signs nobody in: not as a cookie, not under a stolen signature, not as a bearer", async () => {
    const { laptop } = await threeDevices();
    const handle = rowOf((await laptop.auth.listSessions()).data, "Phone/1").token;
    const own = decodeURIComponent(laptop.jar.sessionCookie);
    const signature = own.slice(own.lastIndexOf("."));
    for (const headers of [
      { cookie: `better-auth.session_token=${encodeURIComponent(handle)}` },
      { cookie: `better-auth.session_token=${encodeURIComponent(handle + signature)}` },
      { authorization: `Bearer ${handle}` },
      { authorization: `Bearer ${handle + signature}` },
    ])
      assert.equal((await get("/get-session", headers)).text, "null");
  });
});

describe("revoking one session", () => {
  test("ends another device by the token that the list gave", async () => {
    const { laptop, phone, tablet } = await threeDevices();
    const { token } = rowOf((await laptop.auth.listSessions()).data, "Phone/1");
    const { data, error } = await laptop.auth.revokeSession({ token });
    assert.equal(error, null);
    assert.deepEqual(data, { status: true });
    assert.deepEqual(laptop.last.setCookie, []);
    assert.deepEqual(await signedIn(laptop, phone, tablet), [true, false, true]);
    assert.deepEqual((await laptop.auth.listSessions()).data.map((row) => row.userAgent).sort(), [
      "Laptop/1",
      "Tablet/1",
    ]);
  });

  test("ends another device by the token that it was given at sign-in", async () => {
    const { laptop, phone, tablet, tokens } = await threeDevices();
    assert.deepEqual((await laptop.auth.revokeSession({ token: tokens.phone })).data, { status: true });
    assert.deepEqual(await signedIn(laptop, phone, tablet), [true, false, true]);
  });

  test("takes effect on the very next request of the device", async () => {
    const { laptop, phone, tokens } = await threeDevices();
    assert.ok(await isSignedIn(phone));
    await laptop.auth.revokeSession({ token: tokens.phone });
    assertClientRefused(await phone.auth.updateUser({ name: "Late" }), 401, UNAUTHORIZED);
    assertNoCookies(phone.jar);
  });

  test("may end the current one", async () => {
    const { laptop, phone, tokens } = await threeDevices();
    assert.deepEqual((await laptop.auth.revokeSession({ token: tokens.laptop })).data, { status: true });
    assert.deepEqual(await signedIn(laptop, phone), [false, true]);
  });

  test("that does not exist is 200 all the same", async () => {
    const { browser } = await signedUp();
    assert.deepEqual((await browser.auth.revokeSession({ token: "unknown" })).data, { status: true });
    assert.ok(await isSignedIn(browser));
  });

  test("twice is 200 twice", async () => {
    const { laptop, tokens } = await threeDevices();
    for (let i = 0; i < 2; i++)
      assert.deepEqual((await laptop.auth.revokeSession({ token: tokens.phone })).data, { status: true });
  });

  test("of somebody else is 200 and ends nothing", async () => {
    const { browser: mine } = await signedUp();
    const { laptop, phone, tokens } = await threeDevices();
    const named = (await laptop.auth.listSessions()).data;
    for (const token of [tokens.phone, ...named.map((row) => row.token), ...named.map((row) => row.id)])
      assert.deepEqual((await mine.auth.revokeSession({ token })).data, { status: true });
    assert.deepEqual(await signedIn(laptop, phone), [true, true]);
  });

  const missing = invalid("[body.token] Invalid input: expected string, received undefined");

  test("without a token is 400", async () => {
    const { browser } = await signedUp();
    assertRefused(await post("/revoke-session", {}, browser.headers), 400, missing);
    assertRefused(
      await post("/revoke-session", { token: 5 }, browser.headers),
      400,
      invalid("[body.token] Invalid input: expected string, received number"),
    );
  });

  test("is 400 to nobody when the body is wrong, for that is checked first", async () => {
    assertRefused(await post("/revoke-session", {}), 400, missing);
  });

  test("is 401 to nobody when the body is right", async () => {
    assertClientRefused(await new Browser().auth.revokeSession({ token: "unknown" }), 401, UNAUTHORIZED);
  });
});

describe("revoking the other sessions", () => {
  test("keeps the current one", async () => {
    const { laptop, phone, tablet } = await threeDevices();
    const { data, error } = await phone.auth.revokeOtherSessions();
    assert.equal(error, null);
    assert.deepEqual(data, { status: true });
    assert.deepEqual(await signedIn(laptop, phone, tablet), [false, true, false]);
    assert.deepEqual(
      (await phone.auth.listSessions()).data.map((row) => row.userAgent),
      ["Phone/1"],
    );
  });

  test("leaves other people alone", async () => {
    const { browser: bystander } = await signedUp();
    const { laptop } = await threeDevices();
    await laptop.auth.revokeOtherSessions();
    assert.ok(await isSignedIn(bystander));
  });

  test("is 401 to nobody", async () =>
    assertClientRefused(await new Browser().auth.revokeOtherSessions(), 401, UNAUTHORIZED));
});

describe("revoking all sessions", () => {
  test("ends the current one too, but clears no cookie yet", async () => {
    const { laptop, phone, tablet } = await threeDevices();
    const { data, error } = await laptop.auth.revokeSessions();
    assert.equal(error, null);
    assert.deepEqual(data, { status: true });
    assert.deepEqual(laptop.last.setCookie, []);
    assert.deepEqual(await signedIn(laptop, phone, tablet), [false, false, false]);
  });

  test("lets the next get-session clear the cookies", async () => {
    const { browser } = await signedUp();
    await browser.auth.revokeSessions();
    assert.equal((await browser.auth.getSession()).data, null);
    assertCookiesCleared(browser.last.setCookie);
    assertNoCookies(browser.jar);
  });

  test("does not keep the user from signing in again", async () => {
    const { laptop, person } = await threeDevices();
    await laptop.auth.revokeSessions();
    const { browser } = await onAnotherDevice(person);
    assert.ok(await isSignedIn(browser));
    assert.equal((await browser.auth.listSessions()).data.length, 1);
  });

  test("leaves other people alone", async () => {
    const { browser: bystander } = await signedUp();
    const { laptop } = await threeDevices();
    await laptop.auth.revokeSessions();
    assert.ok(await isSignedIn(bystander));
  });

  test("is 401 to nobody", async () =>
    assertClientRefused(await new Browser().auth.revokeSessions(), 401, UNAUTHORIZED));
});
