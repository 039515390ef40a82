// What signs somebody in, or says that they are, without the session's cookie: bearer, jwt, one-time-token; and
// last-login-method.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { describe, test } from "node:test";
import { jwtClient, lastLoginMethodClient, oneTimeTokenClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/client";
import { Browser, UNAUTHORIZED, assertClientRefused, get, origin, server, signedUp } from "./support.mjs";

const open = () => new Browser({ plugins: [jwtClient(), oneTimeTokenClient()] });

describe("bearer", () => {
  const holderOf = (token) =>
    createAuthClient({ baseURL: server, fetchOptions: { auth: { type: "Bearer", token }, credentials: "omit" } });

  test("the token of a sign-in stands for its session in a client without cookies", async () => {
    const { browser, user, token } = await signedUp();
    const signed = browser.last.headers.get("set-auth-token");
    assert.equal(browser.last.headers.get("access-control-expose-headers"), "set-auth-token");
    for (const given of [signed, encodeURIComponent(signed), token]) {
      const auth = holderOf(given);
      assert.equal((await auth.getSession()).data.user.id, user.id);
      assert.equal((await auth.updateUser({ name: "By Token" })).error, null, "a POST needs no Origin");
    }
    assert.equal((await holderOf(token).signOut()).data.success, true);
    assert.equal((await holderOf(signed).getSession()).data, null);
  });

  test("an unknown token is nobody, one that is signed wrongly is ignored", async () => {
    const { browser, token } = await signedUp();
    assert.equal((await get("/get-session", { ...browser.headers, authorization: "Bearer nope" })).text, "null");
    const forged = { ...browser.headers, authorization: `Bearer ${token}.${"A".repeat(43)}=` };
    assert.notEqual((await get("/get-session", forged)).text, "null");
  });
});

describe("jwt", () => {
  /** As a service would that knows nothing but the address of the keys. */
  async function check(token, keys) {
    const [head, payload, signature] = token.split(".");
    const { kid, alg } = JSON.parse(Buffer.from(head, "base64url"));
    assert.equal(alg, "ES256");
    const key = createPublicKey({ key: keys.find((one) => one.kid === kid), format: "jwk" });
    const given = { key, dsaEncoding: "ieee-p1363" };
    assert.ok(verify("sha256", `${head}.${payload}`, given, Buffer.from(signature, "base64url")));
    return JSON.parse(Buffer.from(payload, "base64url"));
  }

  test("token() says who is signed in, by a key of jwks()", async () => {
    const { browser, user } = await signedUp({ browser: open() });
    const { data, error } = await browser.auth.token();
    assert.equal(error, null);
    const { keys } = (await open().auth.jwks()).data;
    assert.ok(keys.every((key) => !("d" in key)));
    const claims = await check(data.token, keys);
    assert.deepEqual([claims.sub, claims.email, claims.iss, claims.aud], [user.id, user.email, origin, origin]);
    assert.equal(claims.exp - claims.iat, 900);
    assertClientRefused(await open().auth.token(), 401, UNAUTHORIZED);
  });

  test("get-session of a signed-in user brings one along", async () => {
    const { browser, user } = await signedUp({ browser: open() });
    await browser.auth.getSession();
    const token = browser.last.headers.get("set-auth-jwt");
    assert.equal((await check(token, (await browser.auth.jwks()).data.keys)).sub, user.id);
    const nobody = open();
    await nobody.auth.getSession();
    assert.equal(nobody.last.headers.get("set-auth-jwt"), null);
  });
});

describe("one-time tokens", () => {
  const INVALID = { message: "Invalid token" };

  test("bring the same session to another client, once", async () => {
    const { browser } = await signedUp({ browser: open() });
    const { data } = await browser.auth.oneTimeToken.generate();
    assert.match(data.token, /^[A-Za-z0-9]{32}$/);
    const phone = open();
    const joined = await phone.auth.oneTimeToken.verify({ token: data.token });
    assert.equal(joined.error, null);
    assert.deepEqual(joined.data, (await browser.auth.getSession()).data);
    assert.deepEqual((await phone.auth.getSession()).data, joined.data);
    assertClientRefused(await open().auth.oneTimeToken.verify({ token: data.token }), 400, INVALID);
  });

  test("are worth nothing once the session is over, or when nobody made them", async () => {
    const { browser } = await signedUp({ browser: open() });
    const { data } = await browser.auth.oneTimeToken.generate();
    await browser.auth.signOut();
    const late = await open().auth.oneTimeToken.verify({ token: data.token });
    assertClientRefused(late, 400, { message: "Session not found" });
    assertClientRefused(await open().auth.oneTimeToken.verify({ token: "nope" }), 400, INVALID);
    assertClientRefused(await open().auth.oneTimeToken.generate(), 401, UNAUTHORIZED);
  });
});

describe("the last method of signing in", () => {
  test("is told to the page", async () => {
    const { browser } = await signedUp();
    const method = /last_used_login_method=(\w+)/.exec(browser.jar.visibleToScripts())[1];
    assert.equal(method, "email");
    assert.match(browser.last.setCookie.at(-1), /=email; Max-Age=2592000; Path=\/; SameSite=Lax$/);
    globalThis.document = { cookie: browser.jar.visibleToScripts() };
    const auth = createAuthClient({ baseURL: server, plugins: [lastLoginMethodClient()] });
    try {
      assert.equal(auth.getLastUsedLoginMethod(), "email");
      assert.ok(auth.isLastUsedLoginMethod("email"));
    } finally {
      delete globalThis.document;
    }
  });
});
