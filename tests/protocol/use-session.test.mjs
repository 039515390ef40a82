import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Browser, onAnotherDevice, openPage, origin, stranger, assertNoCookies } from "./support.mjs";

let tellOtherTabs = () => {};
const page = openPage({ onStorageWrite: (written) => tellOtherTabs(written) });

/** The useSession of a page, mounted: `until` waits for a state, `seen` keeps every state that was rendered. */
function mount(browser) {
  const seen = [],
    waiting = new Set();
  const unmount = browser.auth.useSession.subscribe((state) => {
    seen.push(state);
    for (const check of waiting) check();
  });
  return {
    seen,
    unmount,
    get now() {
      return seen.at(-1);
    },
    until: (what, holds) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (!holds(seen.at(-1))) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(seen.at(-1));
        };
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`useSession never showed ${what}, but ${JSON.stringify(seen.at(-1))}`));
        }, 10_000);
        waiting.add(check);
        check();
      }),
  };
}

const idle = (state) => !state.isPending && !state.isRefetching;
const signedIn = (state) => idle(state) && state.data !== null;
const signedOut = (state) => idle(state) && state.data === null;

/** Waits until the page has asked for the session once more than `before`, and the answer has been rendered. */
async function refetched(browser, session, before) {
  for (let waited = 0; browser.countOf("GET", "/get-session") === before && waited < 5000; waited += 5) await sleep(5);
  assert.equal(browser.countOf("GET", "/get-session"), before + 1, "the session was asked for once more");
  return session.until("an answer", idle);
}

/** A call that the client answers with no signal: the session is not asked for again. */
async function notRefetched(browser, before) {
  await sleep(150);
  assert.equal(browser.countOf("GET", "/get-session"), before);
}

describe("useSession", () => {
  let browser, session;
  const fetches = () => browser.countOf("GET", "/get-session");

  beforeEach(() => {
    page.window.location.href = `${origin}/`;
    browser = new Browser();
    session = mount(browser);
  });
  afterEach(() => session.unmount());

  /** Signs a new person up in this page and waits until it shows. */
  async function signUp() {
    await session.until("nobody", signedOut);
    const person = stranger();
    const { error } = await browser.auth.signUp.email(person);
    assert.equal(error, null);
    await session.until("the new user", signedIn);
    return person;
  }

  test("is pending, then shows that nobody is signed in", async () => {
    assert.equal(session.now.isPending, true);
    const { data, error } = await session.until("nobody", signedOut);
    assert.equal(data, null);
    assert.equal(error, null);
    assert.equal(fetches(), 1);
  });

  test("shows the user after sign-up, with dates", async () => {
    const person = await signUp();
    const { data, error } = session.now;
    assert.equal(error, null);
    assert.equal(data.user.email, person.email);
    assert.ok(data.session.expiresAt instanceof Date);
    assert.equal(fetches(), 2);
  });

  test("shows the user after sign-in", async () => {
    const person = stranger();
    await new Browser().auth.signUp.email(person);
    await session.until("nobody", signedOut);
    await browser.auth.signIn.email({ email: person.email, password: person.password });
    assert.equal((await session.until("the user", signedIn)).data.user.email, person.email);
  });

  test("stays as it is after a failed sign-in", async () => {
    await session.until("nobody", signedOut);
    const { error } = await browser.auth.signIn.email({ email: stranger().email, password: "nope-nope" });
    assert.equal(error.status, 401);
    await notRefetched(browser, 1);
  });

  test("shows the new name after update-user", async () => {
    await signUp();
    await browser.auth.updateUser({ name: "Ann Two" });
    const state = await session.until("the new name", (s) => idle(s) && s.data?.user.name === "Ann Two");
    assert.equal(state.error, null);
    assert.equal(fetches(), 3);
  });

  test("stays as it is after a refused update-user", async () => {
    await signUp();
    await browser.auth.updateUser({ email: "x@y.co" });
    await notRefetched(browser, 2);
  });

  test("is asked for again after revoke-session and still shows the user", async () => {
    const person = await signUp();
    const other = await onAnotherDevice(person);
    await browser.auth.revokeSession({ token: other.token });
    assert.equal((await refetched(browser, session, 2)).data.user.email, person.email);
  });

  test("is asked for again after revoke-other-sessions and still shows the user", async () => {
    const person = await signUp();
    await browser.auth.revokeOtherSessions();
    assert.equal((await refetched(browser, session, 2)).data.user.email, person.email);
  });

  test("shows nobody after revoke-sessions, and the cookies are gone", async () => {
    await signUp();
    await browser.auth.revokeSessions();
    await session.until("nobody", signedOut);
    assertNoCookies(browser.jar);
  });

  test("shows nobody after the current session was revoked by its own token", async () => {
    await signUp();
    await browser.auth.revokeSession({ token: session.now.data.session.token });
    await session.until("nobody", signedOut);
  });

  test("shows nobody after sign-out, and somebody else after the next sign-in", async () => {
    await signUp();
    await browser.auth.signOut();
    await session.until("nobody", signedOut);
    const next = await signUp();
    assert.equal(session.now.data.user.email, next.email);
  });

  test("shows the same again when it is asked for again, and never a signed-out page in between", async () => {
    await signUp();
    const { data } = session.now,
      before = session.seen.length;
    await session.now.refetch();
    assert.deepEqual((await session.until("an answer", idle)).data, data);
    assert.equal(fetches(), 3);
    assert.ok(session.seen.slice(before).every((state) => state.data !== null && !state.isPending));
  });

  test("notices on coming back to the tab that the session was revoked elsewhere", async () => {
    const person = await signUp();
    const other = await onAnotherDevice(person);
    await other.browser.auth.revokeOtherSessions();
    assert.notEqual(session.now.data, null);
    page.comeBackToTab();
    await session.until("nobody", signedOut);
  });

  test("goes to the callbackURL after sign-in", async () => {
    const person = stranger();
    await new Browser().auth.signUp.email(person);
    await browser.auth.signIn.email({ email: person.email, password: person.password, callbackURL: "/dash?x=1" });
    assert.equal(page.window.location.href, "/dash?x=1");
  });

  test("goes nowhere without a callbackURL", async () => {
    await signUp();
    assert.equal(page.window.location.href, `${origin}/`);
  });

  describe("in two tabs", () => {
    let tab, shown;
    const tabShows = async (what, holds) => {
      for (let waited = 0; !(shown && holds(shown)) && waited < 10_000; waited += 10) await sleep(10);
      assert.ok(shown && holds(shown), `the other tab never showed ${what}, but ${JSON.stringify(shown)}`);
    };

    function openSecondTab() {
      shown = undefined;
      tab = new Worker(new URL("./tab.mjs", import.meta.url));
      tab.on("message", ({ wantsCookies, setCookie, written, session }) => {
        if (wantsCookies) tab.postMessage({ reply: wantsCookies, cookies: browser.jar.header() });
        if (setCookie) browser.jar.store(setCookie);
        if (written) page.hearStorageOfOtherTab(written);
        if (session) shown = session;
      });
      tellOtherTabs = (written) => tab.postMessage({ written });
    }

    afterEach(async () => {
      tellOtherTabs = () => {};
      tab?.postMessage({ close: true });
      await tab?.terminate();
    });

    test("the other tab hears of a new name", async () => {
      const person = await signUp();
      openSecondTab();
      await tabShows("the user", (s) => s.name === person.name);
      await browser.auth.updateUser({ name: "Ann Two" });
      await tabShows("the new name", (s) => s.name === "Ann Two");
    });

    test("the other tab hears of a sign-out", async () => {
      const person = await signUp();
      openSecondTab();
      await tabShows("the user", (s) => s.name === person.name);
      await browser.auth.signOut();
      await tabShows("nobody", (s) => s.name === null && !s.isPending && s.error === null);
    });
  });
});
