import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { emailOTPClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/client";
import { mailsTo, withMailbox } from "./mail.mjs";
import { Browser, UNAUTHORIZED, assertClientRefused, assertRemembered, assertUser, isSignedIn, server, signedUp, stranger } from "./support.mjs";

/** A browser whose page uses the plugin. */
function visitor(browser = new Browser()) {
  browser.auth = createAuthClient({
    baseURL: server,
    plugins: [emailOTPClient()],
    fetchOptions: { customFetchImpl: (url, init) => browser.fetch(url, init) },
  });
  return browser;
}

const INVALID = { message: "Invalid OTP", code: "INVALID_OTP" };
const TOO_MANY = { message: "Too many attempts", code: "TOO_MANY_ATTEMPTS" };
const SENT = { success: true };

function assertDone({ data, error }, expected = SENT) {
  assert.equal(error, null);
  assert.deepEqual(data, expected);
}

const codeTo = async (email, count = 1) => (await mailsTo(email, count)).at(-1).text.match(/^\d{6}$/m)[0];
const wrong = (code) => code.slice(0, 5) + ((Number(code[5]) + 1) % 10);

async function code(browser, email, type, count = 1) {
  assertDone(await browser.auth.emailOtp.sendVerificationOtp({ email, type }));
  return codeTo(email, count);
}

describe("codes by mail", withMailbox, () => {
  test("sign somebody new up once", async () => {
    const [browser, { email, name }] = [visitor(), stranger()];
    const otp = await code(browser, email, "sign-in");
    assertClientRefused(await browser.auth.signIn.emailOtp({ email, otp: wrong(otp) }), 400, INVALID);
    const { data, error } = await browser.auth.signIn.emailOtp({ email, otp, name });
    assert.equal(error, null);
    assertUser(data.user, { email, name, emailVerified: true });
    assert.ok(await isSignedIn(browser));
    assertClientRefused(await visitor().auth.signIn.emailOtp({ email, otp }), 400, INVALID);
  });

  test("are gone after three wrong guesses", async () => {
    const [browser, { email }] = [visitor(), stranger()];
    const otp = await code(browser, email, "sign-in");
    for (let guess = 0; guess < 3; guess++)
      assertClientRefused(await browser.auth.signIn.emailOtp({ email, otp: wrong(otp) }), 400, INVALID);
    assertClientRefused(await browser.auth.signIn.emailOtp({ email, otp }), 403, TOO_MANY);
    assertClientRefused(await browser.auth.signIn.emailOtp({ email, otp }), 400, INVALID);
  });

  test("are checked without being used, and verify an address", async () => {
    const { browser, person } = await signedUp();
    const { email } = person;
    visitor(browser);
    const otp = await code(browser, email, "email-verification");
    const checked = () => browser.auth.emailOtp.checkVerificationOtp({ email, type: "email-verification", otp });
    assertDone(await checked());
    assertDone(await checked());
    const { data, error } = await browser.auth.emailOtp.verifyEmail({ email, otp });
    assert.equal(error, null);
    assert.equal(data.status, true);
    assert.equal(data.token, null);
    assertUser(data.user, { email, emailVerified: true });
    assertClientRefused(await browser.auth.emailOtp.verifyEmail({ email, otp }), 400, INVALID);
  });

  test("of an address that nobody has are good for nothing else", async () => {
    const [browser, { email }] = [visitor(), stranger()];
    assertDone(await browser.auth.emailOtp.sendVerificationOtp({ email, type: "email-verification" }));
    const otp = await code(browser, email, "sign-in");
    assertClientRefused(await browser.auth.emailOtp.checkVerificationOtp({ email, type: "sign-in", otp }), 400, {
      message: "User not found",
      code: "USER_NOT_FOUND",
    });
  });

  test("set a new password", async () => {
    const { browser, person } = await signedUp();
    const { email } = person;
    visitor(browser);
    assertDone(await browser.auth.emailOtp.requestPasswordReset({ email }));
    const otp = await codeTo(email);
    const reset = (password) => browser.auth.emailOtp.resetPassword({ email, otp, password });
    assert.equal((await reset("short")).error.code, "PASSWORD_TOO_SHORT");
    assert.equal((await reset("x".repeat(129))).error.code, "PASSWORD_TOO_LONG");
    assertDone(await reset("another-password-1"));
    assert.ok(!(await isSignedIn(browser)));
    assert.equal((await browser.auth.signIn.email({ email, password: "another-password-1" })).error, null);
    assertClientRefused(await reset("another-password-2"), 400, INVALID);
    assertDone(await browser.auth.forgetPassword.emailOtp({ email }));
  });

  test("change an address", async () => {
    const { browser, person } = await signedUp();
    visitor(browser);
    const newEmail = stranger().email;
    assertDone(await browser.auth.emailOtp.requestEmailChange({ newEmail }));
    const otp = await codeTo(newEmail);
    assertClientRefused(await browser.auth.emailOtp.changeEmail({ newEmail, otp: wrong(otp) }), 400, INVALID);
    assertDone(await browser.auth.emailOtp.changeEmail({ newEmail, otp }));
    assertRemembered(browser.last.setCookie);
    assertUser((await browser.auth.getSession()).data.user, { email: newEmail, emailVerified: true });
    assertClientRefused(await browser.auth.emailOtp.requestEmailChange({ newEmail }), 400, { message: "Email is the same" });
    assertClientRefused(await visitor().auth.emailOtp.requestEmailChange({ newEmail: person.email }), 401, UNAUTHORIZED);
    assertClientRefused(await visitor().auth.emailOtp.changeEmail({ newEmail, otp }), 401, UNAUTHORIZED);
  });

  test("are not sent to what is no address, nor of another kind", async () => {
    const { auth } = visitor();
    assertClientRefused(await auth.emailOtp.sendVerificationOtp({ email: "nope", type: "sign-in" }), 400, {
      message: "Invalid email",
      code: "INVALID_EMAIL",
    });
    assertClientRefused(await auth.emailOtp.sendVerificationOtp({ email: stranger().email, type: "change-email" }), 400, {
      message: "Invalid OTP type",
    });
    assert.equal((await auth.emailOtp.sendVerificationOtp({ email: stranger().email, type: "x" })).error.code, "VALIDATION_ERROR");
  });
});
