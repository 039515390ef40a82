// Who is signed in, for how long, and what trouble on the way does to them: nothing.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Browser, entriesOf, faults, modular, newLogin, sql, startApplication, startNetwork, userOf } from "./support.mjs";

const maxAge = 8 * 60 * 60;
let network;
let app;
let quick;
before(async () => {
  network = await startNetwork();
  app = await startApplication({ network, session: { strategy: "database", maxAge, updateAge: 60 * 60 } });
  quick = await startApplication({ network, session: { strategy: "database", maxAge: 3, updateAge: 0 } });
});

const signedIn = async (application = app) => {
  const browser = new Browser(application);
  browser.email = `${newLogin()}@example.com`;
  await browser.signInByMail(browser.email);
  return browser;
};
const rowOf = async ({ email }) => (await sql("select s.* from sessions.mt_doc_session s join identity.mt_doc_user u on u.id = s.user_id where u.email = $1", email))[0];

test("a visitor without a cookie costs no call", async () => {
  const before = network.calls.length;
  assert.equal(await new Browser(app).session(), null);
  assert.equal(network.calls.length, before);
});

test("a look at the session is one call, and changes nothing before its time", async () => {
  const browser = await signedIn();
  const { data } = await rowOf(browser);
  const before = network.calls.length;
  const session = await browser.session();
  assert.deepEqual(network.calls.slice(before), ["get-session-and-user"]);
  assert.equal(session.expires, data.expiresAt.replace(/(\.\d{3})?(\d*)(\+00:00|Z)$/, (_, ms) => `${ms ?? ".000"}Z`));
  assert.equal((await rowOf(browser)).data.expiresAt, data.expiresAt);
  assert.ok(Math.abs(new Date(session.expires) - Date.now() - maxAge * 1000) < 60_000);
});

test("a session in use is given more time, by the application's rule and in the log", async () => {
  const browser = await signedIn(quick);
  const { expires_at: before } = await rowOf(browser);
  await sleep(1100);
  await browser.session();
  const { expires_at: afterwards } = await rowOf(browser);
  assert.ok(afterwards - before >= 1000, `${before} ${afterwards}`);
  assert.ok((await entriesOf((await userOf(browser.email)).id, 4)).some(({ type }) => type === "session.refreshed.1"));
  assert.equal((await browser.session()).user.email, browser.email);
});

test("a session out of use is over, its cookie cleared and its row cleaned up by Modular", async () => {
  const browser = await signedIn(quick);
  const token = browser.sessionToken;
  await sleep(3100);
  browser.sessionToken = token;
  assert.equal(await browser.session(), null);
  assert.equal(browser.sessionToken, undefined);
  assert.equal(await app.adapter.getSessionAndUser(token), null);
});

test("a cookie that is over signs in again, links nothing and adds no key", async () => {
  const browser = await signedIn(quick);
  const token = browser.sessionToken;
  await sleep(3100);
  browser.sessionToken = token;
  await browser.signInByMail(browser.email);
  assert.notEqual(browser.sessionToken, token);
  assert.equal((await browser.session()).user.email, browser.email);
});

test("what a page reads on the server is the same", async () => {
  const browser = await signedIn();
  assert.equal((await (await browser.fetch("/whoami")).json()).user.email, browser.email);
  assert.equal(await (await new Browser(app).fetch("/whoami")).json(), null);
});

test("signing out ends this session alone and tells the application and the log who left", async () => {
  const [browser, other] = [await signedIn(), new Browser(app)];
  await other.signInByMail(browser.email);
  const [token, user] = [browser.sessionToken, await userOf(browser.email)];
  await browser.signOut();
  assert.equal(browser.sessionToken, undefined);
  assert.equal(await app.adapter.getSessionAndUser(token), null);
  assert.equal((await other.session()).user.email, browser.email);
  const [, { session }] = app.events.findLast(([name]) => name === "signOut");
  assert.equal(session.userId, user.id);
  assert.equal((await entriesOf(user.id, 5)).at(-1).type, "session.signed_out.1");
});

test("a session that Modular has ended is over in the application at once", async () => {
  const browser = await signedIn();
  const listed = await fetch(`${modular}/api/auth/list-sessions`, { headers: { authorization: `Bearer ${browser.sessionToken}` } });
  assert.deepEqual((await listed.json()).map(({ ipAddress }) => ipAddress), ["203.0.113.7"]);
  await fetch(`${modular}/api/auth/revoke-sessions`, { method: "POST", headers: { authorization: `Bearer ${browser.sessionToken}`, "content-type": "application/json" }, body: "{}" });
  assert.equal(await browser.session(), null);
  assert.equal(browser.sessionToken, undefined);
});

test("rubbish in the cookie is nobody, and cleared", async () => {
  for (const rubbish of ["x", "%F0%9F%98%80", "a.b.c", "x".repeat(3000), "%00"]) {
    const browser = new Browser(app);
    browser.sessionToken = rubbish;
    assert.equal(await browser.session(), null, rubbish.slice(0, 20));
    assert.equal(browser.sessionToken, undefined);
  }
});

describe("nobody is signed out by trouble:", () => {
  for (const [name, answer] of Object.entries(faults)) {
    test(name, async () => {
      const browser = await signedIn();
      const token = browser.sessionToken;
      network.fault = (_, request, response) => (answer(response), true);
      try {
        const response = await browser.fetch("/auth/session");
        assert.deepEqual([response.status, await response.json()], [200, null]);
        assert.equal(browser.sessionToken, token, "the cookie is kept");
        assert.equal(await (await browser.fetch("/whoami")).json(), null);
      } finally {
        network.fault = undefined;
      }
      assert.equal((await browser.session()).user.email, browser.email);
    });
  }

  test("while the session is given more time", async () => {
    const browser = await signedIn(quick);
    network.fault = (method, request) => method === "update-session" && (request.socket.destroy(), true);
    try {
      assert.equal(await browser.session(), null);
    } finally {
      network.fault = undefined;
    }
    assert.equal((await browser.session()).user.email, browser.email);
  });

  test("a key that was changed meanwhile", async () => {
    const { ModularAdapter } = await import("@modular/authjs-adapter");
    const browser = await signedIn();
    const wrong = await startApplication({ network, adapter: ModularAdapter({ baseUrl: network.url, apiKey: "another key that is long enough to be" }) });
    const moved = new Browser(wrong);
    moved.sessionToken = browser.sessionToken;
    assert.equal(await moved.session(), null);
    assert.equal(moved.sessionToken, browser.sessionToken);
  });
});

test("signing out in trouble clears the cookie, and the session stays where it can be ended", async () => {
  const browser = await signedIn();
  const token = browser.sessionToken;
  network.fault = (method, request) => method === "delete-session" && (request.socket.destroy(), true);
  await browser.signOut();
  network.fault = undefined;
  assert.equal(browser.sessionToken, undefined);
  assert.ok(await app.adapter.getSessionAndUser(token));
  assert.ok(await app.adapter.deleteSession(token));
});
