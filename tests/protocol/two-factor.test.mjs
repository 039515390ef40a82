import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { twoFactorClient } from "better-auth/client/plugins";
import { mailsTo, withMailbox } from "./mail.mjs";
import { Browser, assertClientRefused, assertToken, isSignedIn, signedUp } from "./support.mjs";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const INVALID_CODE = { message: "Invalid code", code: "INVALID_CODE" };
const INVALID_COOKIE = { message: "Invalid two factor cookie", code: "INVALID_TWO_FACTOR_COOKIE" };
const INVALID_PASSWORD = { message: "Invalid password", code: "INVALID_PASSWORD" };

/** A browser that writes down whether it was sent to the page of the second factor. */
function open() {
  const browser = new Browser({ plugins: [twoFactorClient({ onTwoFactorRedirect: () => (browser.redirected = true) })] });
  return browser;
}

function totp(uri, away = 0) {
  const secret = new URL(uri).searchParams.get("secret");
  const bits = [...secret].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const counter = Buffer.alloc(8);
  counter.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + away));
  const mac = createHmac("sha1", Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)))).update(counter).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Somebody whose app is in force: with the code of now, so the next step's is still good. */
async function secured() {
  const browser = open();
  const { person } = await signedUp({ browser });
  const { data } = await browser.auth.twoFactor.enable({ password: person.password });
  assert.equal((await browser.auth.twoFactor.verifyTotp({ code: totp(data.totpURI) })).error, null);
  return { browser, person, ...data };
}

async function asked(person) {
  const browser = open();
  const { data } = await browser.auth.signIn.email({ email: person.email, password: person.password });
  assert.equal(data.twoFactorRedirect, true);
  assert.equal(browser.redirected, true);
  assert.equal(await isSignedIn(browser), false);
  return browser;
}

describe("a second factor", () => {
  test("is in force once a code was shown", async () => {
    const browser = open();
    const { person } = await signedUp({ browser });
    const factor = browser.auth.twoFactor;
    assertClientRefused(await factor.enable({ password: "not-it-at-all" }), 400, INVALID_PASSWORD);
    assertClientRefused(await factor.getTotpUri({ password: person.password }), 400, { message: "TOTP not enabled", code: "TOTP_NOT_ENABLED" });
    assertClientRefused(await factor.generateBackupCodes({ password: person.password }), 400, {
      message: "Two factor isn't enabled",
      code: "TWO_FACTOR_NOT_ENABLED",
    });
    assertClientRefused(await factor.verifyBackupCode({ code: "a" }), 400, {
      message: "Backup codes aren't enabled",
      code: "BACKUP_CODES_NOT_ENABLED",
    });
    const { data } = await factor.enable({ password: person.password, issuer: "My App" });
    assert.equal(data.method, "totp");
    assert.match(data.totpURI, /^otpauth:\/\/totp\/My%20App:ann\..*%40example\.com\?secret=[A-Z2-7]{32}&issuer=My\+App&digits=6&period=30$/);
    assert.equal(new Set(data.backupCodes).size, 10);
    const again = await factor.getTotpUri({ password: person.password });
    assert.equal(new URL(again.data.totpURI).searchParams.get("secret"), new URL(data.totpURI).searchParams.get("secret"));
    const before = browser.jar.sessionCookie;
    const verified = await factor.verifyTotp({ code: totp(data.totpURI) });
    assert.ok(before.startsWith(verified.data.token));
    assert.equal(verified.data.user.twoFactorEnabled, false);
    assert.notEqual(browser.jar.sessionCookie, before);
    assert.equal((await browser.auth.getSession()).data.user.twoFactorEnabled, true);
  });

  test("is asked for after the password", async () => {
    const { person, totpURI } = await secured();
    const browser = await asked(person);
    assertClientRefused(await browser.auth.twoFactor.verifyTotp({ code: "nothing" }), 401, INVALID_CODE);
    const { data } = await browser.auth.twoFactor.verifyTotp({ code: totp(totpURI, 1), trustDevice: true });
    assertToken(data.token);
    assert.equal(data.user.twoFactorEnabled, true);
    assert.ok(await isSignedIn(browser));
    await browser.auth.signOut();
    const { data: trusted } = await browser.auth.signIn.email({ email: person.email, password: person.password });
    assert.equal(trusted.redirect, false);
    assertClientRefused(await open().auth.twoFactor.verifyTotp({ code: "123456" }), 401, INVALID_COOKIE);
    assertClientRefused(await (await asked(person)).auth.twoFactor.verifyTotp({ code: totp(totpURI, 1) }), 401, INVALID_CODE);
  });

  test("is a code by mail as well", withMailbox, async () => {
    const { person } = await secured();
    const browser = await asked(person);
    assertClientRefused(await browser.auth.twoFactor.verifyOtp({ code: "123456" }), 400, { message: "OTP has expired", code: "OTP_HAS_EXPIRED" });
    assert.deepEqual((await browser.auth.twoFactor.sendOtp()).data, { status: true });
    assertClientRefused(await browser.auth.twoFactor.verifyOtp({ code: "nothing" }), 401, INVALID_CODE);
    const mail = (await mailsTo(person.email, 2)).find(({ subject }) => subject.startsWith("Your code"));
    const { data } = await browser.auth.twoFactor.verifyOtp({ code: /\b\d{6}\b/.exec(mail.text)[0] });
    assertToken(data.token);
    assert.ok(await isSignedIn(browser));
  });

  test("is a backup code, once", async () => {
    const { browser: own, person, backupCodes } = await secured();
    const wrong = { message: "Invalid backup code", code: "INVALID_BACKUP_CODE" };
    const browser = await asked(person);
    assertClientRefused(await browser.auth.twoFactor.verifyBackupCode({ code: "aaaaa-bbbbb" }), 401, wrong);
    assert.equal((await browser.auth.twoFactor.verifyBackupCode({ code: backupCodes[0] })).error, null);
    assert.ok(await isSignedIn(browser));
    assertClientRefused(await (await asked(person)).auth.twoFactor.verifyBackupCode({ code: backupCodes[0] }), 401, wrong);
    const { data } = await own.auth.twoFactor.generateBackupCodes({ password: person.password });
    assert.equal(data.status, true);
    assertClientRefused(await (await asked(person)).auth.twoFactor.verifyBackupCode({ code: backupCodes[1] }), 401, wrong);
    assert.equal((await (await asked(person)).auth.twoFactor.verifyBackupCode({ code: data.backupCodes[0] })).error, null);
  });

  test("cannot be guessed: five codes in a challenge, ten in a row", async () => {
    const { person } = await secured();
    const browser = await asked(person);
    for (let guess = 0; guess < 5; guess++)
      assertClientRefused(await browser.auth.twoFactor.verifyTotp({ code: "nothing" }), 401, INVALID_CODE);
    assertClientRefused(await browser.auth.twoFactor.verifyTotp({ code: "nothing" }), 400, {
      message: "Too many attempts. Please request a new code.",
      code: "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE",
    });
    assertClientRefused(await browser.auth.twoFactor.verifyTotp({ code: "nothing" }), 401, INVALID_COOKIE);
    for (let guess = 0; guess < 5; guess++) await (await asked(person)).auth.twoFactor.verifyTotp({ code: "nothing" });
    assertClientRefused(await (await asked(person)).auth.twoFactor.verifyTotp({ code: "nothing" }), 429, {
      message: "Too many failed verification attempts. Your account is temporarily locked. Please try again later.",
      code: "ACCOUNT_TEMPORARILY_LOCKED",
    });
  });

  test("is switched off with the password", async () => {
    const { browser, person } = await secured();
    assertClientRefused(await browser.auth.twoFactor.disable({ password: "not-it-at-all" }), 400, INVALID_PASSWORD);
    assert.deepEqual((await browser.auth.twoFactor.disable({ password: person.password })).data, { status: true });
    assert.ok(await isSignedIn(browser));
    const { data } = await open().auth.signIn.email({ email: person.email, password: person.password });
    assert.equal(data.redirect, false);
  });
});
