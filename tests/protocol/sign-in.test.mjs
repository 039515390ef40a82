import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  Browser,
  WRONG_CREDENTIALS,
  assertClientRefused,
  assertNotRemembered,
  assertRefused,
  assertRemembered,
  assertToken,
  assertUser,
  invalid,
  isSignedIn,
  origin,
  post,
  postForm,
  sessionSeconds,
  signedUp,
  stranger,
  assertNoCookies,
} from "./support.mjs";

let person, user;
before(async () => ({ person, user } = await signedUp()));

const credentials = (overrides = {}) => ({ email: person.email, password: person.password, ...overrides });

describe("signing in with e-mail and password", () => {
  test("gives redirect false, the token and the user, and signs the browser in", async () => {
    const browser = new Browser();
    const { data, error } = await browser.auth.signIn.email(credentials());
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), ["redirect", "token", "user"]);
    assert.equal(data.redirect, false);
    assertToken(data.token);
    assert.deepEqual(data.user, user);
    assertRemembered(browser.last.setCookie);
    assert.ok(await isSignedIn(browser));
  });

  test("leaves url out rather than sending null", async () => {
    const answer = await post("/sign-in/email", credentials());
    assert.ok(!("url" in answer.json));
    assert.equal(answer.headers.location, undefined);
    assertUser(answer.json.user);
  });

  test("takes the e-mail address in any case", async () => {
    assert.equal((await post("/sign-in/email", credentials({ email: person.email.toUpperCase() }))).status, 200);
  });

  test("signs a cookie that holds the token of the body and a signature of 44 characters", async () => {
    const browser = new Browser();
    const { data } = await browser.auth.signIn.email(credentials());
    const value = decodeURIComponent(browser.jar.sessionCookie);
    const dot = value.lastIndexOf(".");
    assert.equal(value.slice(0, dot), data.token);
    assert.match(value.slice(dot + 1), /^[A-Za-z0-9+/]{43}=$/);
    assert.equal(encodeURIComponent(value), browser.jar.sessionCookie);
  });

  test("keeps the cookie from scripts", async () => {
    const browser = new Browser();
    await browser.auth.signIn.email(credentials());
    assert.notEqual(browser.jar.header(), "");
    // By which way somebody came last is for pages to read (contract §7.13).
    assert.equal(browser.jar.visibleToScripts().replace("better-auth.last_used_login_method=email", ""), "");
  });

  test("gives each device a session of its own", async () => {
    const [a, b] = [new Browser(), new Browser()];
    const first = await a.auth.signIn.email(credentials());
    const second = await b.auth.signIn.email(credentials());
    assert.notEqual(first.data.token, second.data.token);
    assert.ok((await isSignedIn(a)) && (await isSignedIn(b)));
  });

  test("with rememberMe true lasts as long as configured", async () => {
    const browser = new Browser();
    await browser.auth.signIn.email(credentials({ rememberMe: true }));
    assertRemembered(browser.last.setCookie);
    const { session } = (await browser.auth.getSession()).data;
    assert.ok(Math.abs(session.expiresAt - session.createdAt - sessionSeconds * 1000) < 5000);
  });

  test("with rememberMe false sets cookies that end with the browser, over a row of a day at most", async () => {
    const browser = new Browser();
    const { data } = await browser.auth.signIn.email(credentials({ rememberMe: false }));
    assert.equal(data.redirect, false);
    assertNotRemembered(browser.last.setCookie);
    const { session } = (await browser.auth.getSession()).data;
    const seconds = (session.expiresAt - session.createdAt) / 1000;
    assert.ok(seconds > 0 && seconds <= 86_400 + 5, `${seconds} s`);
  });

  test("accepts a form", async () => {
    const answer = await postForm("/sign-in/email", credentials());
    assert.equal(answer.status, 200);
    assertRemembered(answer.setCookie);
    assertUser(answer.json.user, { email: person.email });
  });

  test("drops unknown members", async () => {
    assert.equal((await post("/sign-in/email", credentials({ nickname: "cc" }))).status, 200);
  });
});

describe("signing in with a callbackURL", () => {
  test("answers 200 with redirect true, url and Location", async () => {
    const answer = await post("/sign-in/email", credentials({ callbackURL: "/dash?x=1" }));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.location, "/dash?x=1");
    assert.deepEqual(Object.keys(answer.json).sort(), ["redirect", "token", "url", "user"]);
    assert.equal(answer.json.redirect, true);
    assert.equal(answer.json.url, "/dash?x=1");
    assertRemembered(answer.setCookie);
  });

  test("gives an absolute URL back as it came", async () => {
    const { data } = await new Browser().auth.signIn.email(credentials({ callbackURL: `${origin}/dash` }));
    assert.equal(data.url, `${origin}/dash`);
  });

  test("is 403 for a foreign URL, and signs nobody in", async () => {
    const browser = new Browser();
    assertClientRefused(await browser.auth.signIn.email(credentials({ callbackURL: "http://evil.test/x" })), 403, {
      message: "Invalid callbackURL",
      code: "INVALID_CALLBACK_URL",
    });
    assertNoCookies(browser.jar);
  });

  test("is 400 for a URL that is no string", async () => {
    assertRefused(await post("/sign-in/email", credentials({ callbackURL: { a: 1 } })), 400, {
      message: "Invalid callbackURL: expected a string",
    });
  });
});

describe("signing in with something wrong", () => {
  test("is 401 for a wrong password", async () => {
    const browser = new Browser();
    assertClientRefused(
      await browser.auth.signIn.email(credentials({ password: "nope-nope" })),
      401,
      WRONG_CREDENTIALS,
    );
    assertNoCookies(browser.jar);
  });

  test("is 401 for a password in another case", async () => {
    assertRefused(
      await post("/sign-in/email", credentials({ password: person.password.toUpperCase() })),
      401,
      WRONG_CREDENTIALS,
    );
  });

  test("is the same 401, byte for byte, for an address that nobody has", async () => {
    const wrong = await post("/sign-in/email", credentials({ password: "nope-nope" }));
    const unknown = await post("/sign-in/email", { email: stranger().email, password: "nope-nope" });
    const visible = ({ status, headers: { date, ...headers }, text }) => ({ status, headers, text });
    assert.deepEqual(visible(unknown), visible(wrong));
  });

  test("is 401 for passwords that sign-up would refuse", async () => {
    for (const password of ["", "x", "x".repeat(129)])
      assertRefused(await post("/sign-in/email", credentials({ password })), 401, WRONG_CREDENTIALS);
  });

  test("is 400 for something that is no e-mail address", async () => {
    for (const email of ["ghost", "", "a@b"])
      assertRefused(await post("/sign-in/email", { email, password: "nope-nope" }), 400, {
        message: "Invalid email",
        code: "INVALID_EMAIL",
      });
  });

  test("is 400 without a password", async () => {
    assertRefused(
      await post("/sign-in/email", { email: person.email }),
      400,
      invalid("[body.password] Invalid input: expected string, received undefined"),
    );
  });

  test("is 400 without anything, and names both", async () => {
    assertRefused(
      await post("/sign-in/email", {}),
      400,
      invalid(
        "[body.email] Invalid input: expected string, received undefined; [body.password] Invalid input: expected string, received undefined",
      ),
    );
  });

  test("leaves a session that the browser already has alone", async () => {
    const { browser } = await signedUp();
    await browser.auth.signIn.email(credentials({ password: "nope-nope" }));
    assert.deepEqual(browser.last.setCookie, []);
    assert.ok(await isSignedIn(browser));
  });
});
