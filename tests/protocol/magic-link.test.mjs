import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { magicLinkClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/client";
import { below, linkTo, withMailbox } from "./mail.mjs";
import { Browser, assertClientRefused, assertSession, assertUser, get, invalid, isSignedIn, origin, server, signedUp, stranger } from "./support.mjs";

/** A browser whose page uses the plugin. */
function visitor() {
  const browser = new Browser();
  browser.auth = createAuthClient({
    baseURL: server,
    plugins: [magicLinkClient()],
    fetchOptions: { customFetchImpl: (url, init) => browser.fetch(url, { redirect: "manual", ...init }) },
  });
  return browser;
}

const ask = async (browser, email, more = {}) => {
  const { data, error } = await browser.auth.signIn.magicLink({ email, ...more });
  assert.equal(error, null);
  assert.deepEqual(data, { status: true });
};

const open = (browser, link) => browser.fetch(link, { redirect: "manual" });

describe("magic links", withMailbox, () => {
  test("sign somebody new up, verified, and lead to the page for new users", async () => {
    const [browser, { email }] = [visitor(), stranger()];
    await ask(browser, email, {
      name: "Magic",
      callbackURL: "/dash",
      newUserCallbackURL: "/new",
      errorCallbackURL: "/err",
      metadata: { from: "test" },
    });
    const link = await linkTo(email);
    const opened = await open(browser, link);
    assert.equal(opened.status, 302);
    assert.equal(opened.headers.get("location"), `${origin}/new`);
    const { data } = await browser.auth.getSession();
    assertUser(data.user, { email, name: "Magic", emailVerified: true });

    const again = await open(visitor(), link);
    assert.equal(again.headers.get("location"), `${origin}/err?error=INVALID_TOKEN`);
  });

  test("are verified by the client too", async () => {
    const { person, user } = await signedUp();
    const browser = visitor();
    await ask(browser, person.email);
    const token = (await linkTo(person.email)).searchParams.get("token");
    const { data, error } = await browser.auth.magicLink.verify({ query: { token } });
    assert.equal(error, null);
    assert.equal(data.token, data.session.token);
    assertUser(data.user, { id: user.id, emailVerified: true });
    assertSession(data.session, { userId: user.id });
    assert.ok(await isSignedIn(browser));
  });

  test("answer alike whoever has the address, and refuse what is none", async () => {
    const browser = visitor();
    await ask(browser, stranger().email);
    assertClientRefused(await browser.auth.signIn.magicLink({ email: "nope" }), 400, invalid("[body.email] Invalid email address"));
    assertClientRefused(await browser.auth.signIn.magicLink({ email: stranger().email, callbackURL: "https://evil.test" }), 403, {
      message: "Invalid callbackURL",
      code: "INVALID_CALLBACK_URL",
    });
  });

  test("that open nothing lead to the page for errors", async () => {
    const bad = await get("/magic-link/verify?token=bad");
    assert.equal(bad.status, 302);
    assert.equal(bad.headers.location, `${origin}/?error=INVALID_TOKEN`);
  });

  test("take an unverified account from whoever registered it", async () => {
    const { browser: squatter, person } = await signedUp();
    const owner = visitor();
    await ask(owner, person.email);
    assert.equal((await get(below(await linkTo(person.email)))).status, 302);
    assert.ok(!(await isSignedIn(squatter)));
    assert.equal((await squatter.auth.signIn.email(person)).error.code, "INVALID_EMAIL_OR_PASSWORD");
  });
});
