import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { below, linkTo, mailsTo, withMailbox } from "./mail.mjs";
import {
  Browser,
  UNAUTHORIZED,
  assertClientRefused,
  assertRefused,
  assertRemembered,
  get,
  invalid,
  post,
  signedUp,
  stranger,
} from "./support.mjs";

const DONE = { status: true };
const INVALID_TOKEN = { message: "Invalid token", code: "INVALID_TOKEN" };

const userOf = async (browser) => (await browser.auth.getSession()).data.user;

describe("verifying an address", () => {
  test("takes the mailed link, which succeeds again", withMailbox, async () => {
    const { browser, person } = await signedUp();
    const { data, error } = await browser.auth.sendVerificationEmail({ email: person.email, callbackURL: "/welcome" });
    assert.equal(error, null);
    assert.deepEqual(data, DONE);
    const link = await linkTo(person.email);
    assert.equal(link.pathname, "/api/auth/verify-email");
    assert.equal(link.searchParams.get("callbackURL"), "/welcome");

    const opened = await get(below(link));
    assert.equal(opened.status, 302);
    assert.equal(opened.headers.location, "/welcome");
    assert.deepEqual(opened.setCookie, []);
    assert.equal((await userOf(browser)).emailVerified, true);

    const again = await new Browser().auth.verifyEmail({ query: { token: link.searchParams.get("token") } });
    assert.deepEqual(again.data, { status: true, user: null });
    assertClientRefused(await browser.auth.sendVerificationEmail({ email: person.email }), 400, {
      message: "Email is already verified",
      code: "EMAIL_ALREADY_VERIFIED",
    });
  });

  test("leads to / where nothing else was said", withMailbox, async () => {
    const { browser, person } = await signedUp();
    await browser.auth.sendVerificationEmail({ email: person.email });
    assert.equal((await linkTo(person.email)).searchParams.get("callbackURL"), "/");
  });

  test("says what is wrong with a link", async () => {
    assertClientRefused(await new Browser().auth.verifyEmail({ query: { token: "bad" } }), 401, INVALID_TOKEN);
    const opened = await get("/verify-email?token=bad&callbackURL=%2Fwelcome%3Fa%3D1");
    assert.equal(opened.status, 302);
    assert.equal(opened.headers.location, "/welcome?a=1&error=INVALID_TOKEN");
    assertRefused(
      await get("/verify-email"),
      400,
      invalid("[query.token] Invalid input: expected string, received undefined"),
    );
    assertRefused(await get("/verify-email?token=bad&callbackURL=https%3A%2F%2Fevil.test"), 403, {
      message: "Invalid callbackURL",
      code: "INVALID_CALLBACK_URL",
    });
  });

  test("sends to the own address alone, and signed out answers everybody alike", async () => {
    const { browser } = await signedUp();
    assertClientRefused(await browser.auth.sendVerificationEmail({ email: stranger().email }), 400, {
      message: "Email mismatch",
      code: "EMAIL_MISMATCH",
    });
    for (const email of [stranger().email, (await signedUp()).person.email]) {
      const { data } = await new Browser().auth.sendVerificationEmail({ email });
      assert.deepEqual(data, DONE);
    }
  });
});

describe("changing an address", () => {
  test("happens when the link is opened that went to the new one", withMailbox, async () => {
    const { browser, person, user } = await signedUp();
    const { email } = stranger();
    const { data, error } = await browser.auth.changeEmail({ newEmail: email.toUpperCase(), callbackURL: "/changed" });
    assert.equal(error, null);
    assert.deepEqual(data, DONE);
    const link = await linkTo(email);
    assert.equal((await userOf(browser)).email, person.email);

    const opened = await browser.auth.verifyEmail({ query: { token: link.searchParams.get("token") } });
    assert.equal(opened.error, null);
    assertRemembered(browser.last.setCookie);
    const { updatedAt, ...changed } = opened.data.user;
    const { updatedAt: before, ...unchanged } = user;
    assert.ok(updatedAt >= before);
    assert.deepEqual(changed, { ...unchanged, email, emailVerified: true });
    assert.equal((await userOf(browser)).email, email);
    assert.match((await mailsTo(person.email)).at(-1).subject, /was changed$/);
  });

  test("signs in where nobody is, and changes nothing in somebody else's browser", withMailbox, async () => {
    const { browser } = await signedUp();
    const { browser: other } = await signedUp();
    const { email } = stranger();
    await browser.auth.changeEmail({ newEmail: email });
    const query = { token: (await linkTo(email)).searchParams.get("token") };
    assertClientRefused(await other.auth.verifyEmail({ query }), 401, { message: "Invalid user", code: "INVALID_USER" });
    const fresh = new Browser();
    assert.equal((await fresh.auth.verifyEmail({ query })).data.user.email, email);
    assertRemembered(fresh.last.setCookie);
    assertClientRefused(await fresh.auth.verifyEmail({ query }), 401, INVALID_TOKEN);
  });

  test("answers alike when somebody has the address, and says when it is the same", async () => {
    const { browser, person } = await signedUp();
    const { person: other } = await signedUp();
    assert.deepEqual((await browser.auth.changeEmail({ newEmail: other.email })).data, DONE);
    assertClientRefused(await browser.auth.changeEmail({ newEmail: person.email }), 400, {
      message: "Email is the same",
    });
    assertClientRefused(
      await browser.auth.changeEmail({ newEmail: "nope" }),
      400,
      invalid("[body.newEmail] Invalid email address"),
    );
    assertRefused(await post("/change-email", { newEmail: stranger().email }), 401, UNAUTHORIZED);
  });
});

describe("updating a session", () => {
  test("has nothing to update", async () => {
    const { browser } = await signedUp();
    const nothing = { message: "No fields to update" };
    assertClientRefused(await browser.auth.updateSession({ foo: 1 }), 400, nothing);
    assertRefused(await post("/update-session", { foo: 1 }), 401, UNAUTHORIZED);
  });
});
