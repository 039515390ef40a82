import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { below, linkTo, mailsTo, withMailbox } from "./mail.mjs";
import {
  Browser,
  UNAUTHORIZED,
  assertClientRefused,
  assertNotFound,
  assertNotRemembered,
  assertRefused,
  assertRemembered,
  assertToken,
  get,
  invalid,
  isSignedIn,
  modularOnly,
  onAnotherDevice,
  origin,
  post,
  signedUp,
  stranger,
} from "./support.mjs";

const WRONG = { message: "Invalid password", code: "INVALID_PASSWORD" };
const TOO_SHORT = { message: "Password too short", code: "PASSWORD_TOO_SHORT" };
const TOO_LONG = { message: "Password too long", code: "PASSWORD_TOO_LONG" };
const INVALID_TOKEN = { message: "Invalid token", code: "INVALID_TOKEN" };
const COMMON = {
  message: "The password you entered has been compromised. Please choose a different password.",
  code: "PASSWORD_COMPROMISED",
};
const another = "another-password-1";

const signInWith = (person, password) => new Browser().auth.signIn.email({ email: person.email, password });

describe("changing a password", () => {
  test("answers token null and the user, and keeps every device signed in", async () => {
    const { browser, person, user } = await signedUp();
    const phone = await onAnotherDevice(person);
    const { data, error } = await browser.auth.changePassword({
      currentPassword: person.password,
      newPassword: another,
    });
    assert.equal(error, null);
    assert.deepEqual(data, { token: null, user });
    assert.deepEqual(browser.last.setCookie, []);
    assert.ok(await isSignedIn(browser));
    assert.ok(await isSignedIn(phone.browser));
    assert.equal((await signInWith(person, another)).error, null);
    assert.equal((await signInWith(person, person.password)).error.code, "INVALID_EMAIL_OR_PASSWORD");
  });

  test("with revokeOtherSessions gives this device a new session and ends all others", async () => {
    const { browser, person, token } = await signedUp();
    const phone = await onAnotherDevice(person);
    const { data } = await browser.auth.changePassword({
      currentPassword: person.password,
      newPassword: another,
      revokeOtherSessions: true,
    });
    assertToken(data.token);
    assert.notEqual(data.token, token);
    assertRemembered(browser.last.setCookie);
    assert.ok(await isSignedIn(browser));
    assert.ok(!(await isSignedIn(phone.browser)));
  });

  test("keeps a device not remembered", async () => {
    const { browser, person } = await signedUp({ rememberMe: false });
    await browser.auth.changePassword({
      currentPassword: person.password,
      newPassword: another,
      revokeOtherSessions: true,
    });
    assertNotRemembered(browser.last.setCookie);
  });

  test("checks the length before the old password", async () => {
    const { browser } = await signedUp();
    const change = (newPassword) => browser.auth.changePassword({ currentPassword: "not-it-at-all", newPassword });
    assertClientRefused(await change("short"), 400, TOO_SHORT);
    assertClientRefused(await change("x".repeat(129)), 400, TOO_LONG);
    assertClientRefused(await change(another), 400, WRONG);
  });

  test("refuses what guessers try first", modularOnly, async () => {
    const { browser, person } = await signedUp();
    const { password: currentPassword } = person;
    for (const newPassword of ["password123", "Football", "11111111", person.email])
      assertClientRefused(await browser.auth.changePassword({ currentPassword, newPassword }), 400, COMMON);
  });

  test("checks the body before the session", async () => {
    assertRefused(
      await post("/change-password", {}),
      400,
      invalid(
        "[body.newPassword] Invalid input: expected string, received undefined; " +
          "[body.currentPassword] Invalid input: expected string, received undefined",
      ),
    );
    assertRefused(await post("/change-password", { newPassword: "a", currentPassword: "b" }), 401, UNAUTHORIZED);
  });
});

describe("passwords over HTTP", () => {
  test("verify-password tells right from wrong", async () => {
    const { browser, person } = await signedUp();
    const verify = (password) => post("/verify-password", { password }, browser.headers);
    assert.deepEqual((await verify(person.password)).json, { status: true });
    assertRefused(await verify("nope"), 400, WRONG);
    assertRefused(await post("/verify-password", { password: "x" }), 401, UNAUTHORIZED);
  });

  test("set-password is not there", async () => {
    const { browser } = await signedUp();
    assertNotFound(await post("/set-password", { newPassword: another }, browser.headers));
  });
});

describe("forgetting a password", () => {
  const asked = {
    status: true,
    message: "If this email exists in our system, check your email for the reset link",
  };

  test("is answered alike for everybody", async () => {
    const { person } = await signedUp();
    for (const email of [person.email, stranger().email, person.email.toUpperCase()]) {
      const { data, error } = await new Browser().auth.requestPasswordReset({ email, redirectTo: "/reset" });
      assert.equal(error, null);
      assert.deepEqual(data, asked);
    }
  });

  test("wants an address and a page of ours", async () => {
    assertRefused(
      await post("/request-password-reset", { email: "ghost" }),
      400,
      invalid("[body.email] Invalid email address"),
    );
    assertRefused(
      await post("/request-password-reset", { email: stranger().email, redirectTo: "https://evil.test/" }, { origin }),
      403,
      { message: "Invalid redirectURL", code: "INVALID_REDIRECT_URL" },
    );
  });

  test("mails a link that leads to the page, whose token sets a new password once", withMailbox, async () => {
    const { browser, person } = await signedUp();
    await new Browser().auth.requestPasswordReset({ email: person.email, redirectTo: "/reset?x=1" });
    const link = await linkTo(person.email);
    assert.equal(link.origin, origin);
    assert.equal(link.searchParams.get("callbackURL"), "/reset?x=1");
    const opened = await get(below(link));
    assert.equal(opened.status, 302);
    const page = new URL(opened.headers.location);
    assert.equal(page.origin + page.pathname, `${origin}/reset`);
    assert.equal(page.searchParams.get("x"), "1");
    const token = page.searchParams.get("token");

    const { auth } = new Browser();
    assertClientRefused(await auth.resetPassword({ newPassword: "short", token }), 400, TOO_SHORT);
    const { data, error } = await auth.resetPassword({ newPassword: another, token });
    assert.equal(error, null);
    assert.deepEqual(data, { status: true });
    assertClientRefused(await auth.resetPassword({ newPassword: another, token }), 400, INVALID_TOKEN);
    assert.equal((await signInWith(person, another)).error, null);
    assert.equal((await signInWith(person, person.password)).error.status, 401);
    assert.equal((await mailsTo(person.email, 2)).length, 2);
    // Ours ends the sessions; upstream leaves them unless told otherwise.
    assert.equal(await isSignedIn(browser), false);
  });

  test("takes the token from the query too", withMailbox, async () => {
    const { person } = await signedUp();
    await new Browser().auth.requestPasswordReset({ email: person.email });
    const link = await linkTo(person.email);
    assert.equal(link.searchParams.get("callbackURL"), "");
    const token = link.pathname.split("/").at(-1);
    assert.deepEqual((await post(`/reset-password?token=${token}`, { newPassword: another })).json, { status: true });
  });

  test("answers a bad link by where it was to lead", async () => {
    const location = async (query) => (await get(`/reset-password/bad${query}`)).headers.location;
    assert.equal(await location("?callbackURL=%2Freset"), `${origin}/reset?error=INVALID_TOKEN`);
    assert.equal(await location("?callbackURL="), `${origin}/api/auth/error?error=INVALID_TOKEN`);
    assertRefused(
      await get("/reset-password/bad"),
      400,
      invalid("[query.callbackURL] Invalid input: expected string, received undefined"),
    );
    assertRefused(await get("/reset-password/bad?callbackURL=http%3A%2F%2Fevil.test"), 403, {
      message: "Invalid callbackURL",
      code: "INVALID_CALLBACK_URL",
    });
  });

  test("refuses a token that is missing or none", async () => {
    assertRefused(await post("/reset-password", { newPassword: another }), 400, INVALID_TOKEN);
    assertRefused(await post("/reset-password", { newPassword: another, token: "bad" }), 400, INVALID_TOKEN);
  });
});
