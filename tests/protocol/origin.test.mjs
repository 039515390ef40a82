import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  INVALID_ORIGIN,
  MISSING_ORIGIN,
  WRONG_CREDENTIALS,
  assertRefused,
  get,
  isSignedIn,
  origin,
  post,
  signedUp,
  stranger,
} from "./support.mjs";

const evil = "http://evil.test";

describe("with a cookie, a POST must come from a trusted origin", () => {
  let cookie, browser;
  before(async () => {
    ({ browser } = await signedUp());
    cookie = browser.jar.header();
  });
  const rename = (headers) => post("/update-user", { name: "x" }, { cookie, ...headers });

  test("no Origin is 403", async () => assertRefused(await rename({}), 403, MISSING_ORIGIN));
  test("an empty Origin is 403", async () => assertRefused(await rename({ origin: "" }), 403, MISSING_ORIGIN));
  test("Origin: null is 403", async () => assertRefused(await rename({ origin: "null" }), 403, MISSING_ORIGIN));
  test("a foreign Origin is 403", async () => assertRefused(await rename({ origin: evil }), 403, INVALID_ORIGIN));
  test("a foreign Referer is 403", async () =>
    assertRefused(await rename({ referer: `${evil}/page` }), 403, INVALID_ORIGIN));
  test("an Origin that merely starts with ours is 403", async () =>
    assertRefused(await rename({ origin: `${origin}.evil.test` }), 403, INVALID_ORIGIN));
  test("our Referer does not make up for a foreign Origin", async () =>
    assertRefused(await rename({ origin: evil, referer: `${origin}/` }), 403, INVALID_ORIGIN));
  test("our Referer stands in for a missing Origin", async () =>
    assert.deepEqual((await rename({ referer: `${origin}/some/page?x=1` })).json, { status: true }));
  test("our Origin is accepted", async () => assert.deepEqual((await rename({ origin })).json, { status: true }));

  test("any cookie at all asks for an Origin, not only ours", async () =>
    assertRefused(await post("/sign-out", {}, { cookie: "theme=dark" }), 403, MISSING_ORIGIN));

  test("a GET is never checked", async () => {
    const answer = await get("/get-session", { cookie, origin: evil });
    assert.equal(answer.status, 200);
    assert.equal(typeof answer.json.session.id, "string");
  });

  test("a foreign page cannot sign anybody out", async () => {
    assertRefused(await post("/sign-out", {}, { cookie, origin: evil }), 403, INVALID_ORIGIN);
    assert.ok(await isSignedIn(browser));
  });

  test("the Origin is checked before body and session", async () => {
    assertRefused(await post("/revoke-session", {}, { cookie: "theme=dark", origin: evil }), 403, INVALID_ORIGIN);
  });
});

describe("without a cookie, only the sign-in and sign-up forms look at the Origin", () => {
  const someone = { email: "ghost@example.com", password: "nope-nope" };
  const signIn = (headers) => post("/sign-in/email", someone, headers);

  test("no Origin and no cookie is a server, and welcome", async () => {
    assertRefused(await signIn({}), 401, WRONG_CREDENTIALS);
    assert.equal((await post("/sign-up/email", stranger())).status, 200);
  });

  test("a foreign Origin is 403 at sign-in", async () =>
    assertRefused(await signIn({ origin: evil }), 403, INVALID_ORIGIN));
  test("a foreign Origin is 403 at sign-up", async () =>
    assertRefused(await post("/sign-up/email", stranger(), { origin: evil }), 403, INVALID_ORIGIN));
  test("a foreign Referer is 403 at sign-in", async () =>
    assertRefused(await signIn({ referer: `${evil}/` }), 403, INVALID_ORIGIN));

  for (const header of ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"])
    test(`${header} says that a browser asks, so a missing Origin is 403`, async () => {
      const value = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }[header];
      assertRefused(await signIn({ [header]: value }), 403, MISSING_ORIGIN);
    });

  test("a form that another site submits is blocked by name", async () => {
    assertRefused(await signIn({ origin: evil, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }), 403, {
      message: "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
      code: "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
    });
  });

  test("our Origin with Sec-Fetch headers is accepted", async () =>
    assertRefused(
      await signIn({ origin, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }),
      401,
      WRONG_CREDENTIALS,
    ));

  test("other endpoints do not mind a foreign Origin", async () =>
    assert.deepEqual((await post("/sign-out", {}, { origin: evil })).json, { success: true }));

  const trusted = process.env.PROTOCOL_TRUSTED_ORIGIN;
  test(
    "an origin that the operator trusts is accepted",
    { skip: !trusted && "PROTOCOL_TRUSTED_ORIGIN is not set" },
    async () => {
      assertRefused(await signIn({ origin: trusted }), 401, WRONG_CREDENTIALS);
      const callbackURL = `${trusted}/home`;
      assertRefused(await post("/sign-in/email", { ...someone, callbackURL }), 401, WRONG_CREDENTIALS);
    },
  );
});

describe("a URL to be sent to must be trusted, before anything else in the body counts", () => {
  for (const [member, code, label] of [
    ["callbackURL", "INVALID_CALLBACK_URL", "callbackURL"],
    ["redirectTo", "INVALID_REDIRECT_URL", "redirectURL"],
    ["errorCallbackURL", "INVALID_ERROR_CALLBACK_URL", "errorCallbackURL"],
    ["newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL", "newUserCallbackURL"],
  ]) {
    test(`a foreign ${member} is 403, even when the rest of the body is invalid`, async () => {
      assertRefused(await post("/sign-in/email", { [member]: `${evil}/x` }), 403, {
        message: `Invalid ${label}`,
        code,
      });
    });

    test(`a ${member} that is no string is 400 without a code`, async () => {
      const answer = await post("/sign-in/email", { email: "a@b.co", password: "p", [member]: { a: 1 } });
      assertRefused(answer, 400, { message: `Invalid ${label}: expected a string` });
    });
  }

  test("a foreign callbackURL in the query is 403", async () => {
    assertRefused(
      await post(`/sign-in/email?callbackURL=${encodeURIComponent(evil)}`, { email: "a@b.co", password: "p" }),
      403,
      { message: "Invalid callbackURL", code: "INVALID_CALLBACK_URL" },
    );
  });

  test("a foreign callbackURL is 403 at sign-up", async () => {
    assertRefused(await post("/sign-up/email", stranger({ callbackURL: `${evil}/x` })), 403, {
      message: "Invalid callbackURL",
      code: "INVALID_CALLBACK_URL",
    });
  });

  const withCallback = (callbackURL) =>
    post("/sign-in/email", { email: "ghost@example.com", password: "nope-nope", callbackURL });

  for (const callbackURL of [
    "//evil.test",
    "/\\evil.test",
    "/%2fevil.test",
    "/%5cevil.test",
    "/%2Fevil.test",
    "/a b",
    "/a#b",
    "dash",
    "javascript:alert(1)",
    `${origin}.evil.test/`,
    `http://evil.test/?${origin}`,
    `http://${new URL(origin).host}@evil.test/`,
  ])
    test(`${JSON.stringify(callbackURL.replace(origin, "ORIGIN"))} is not trusted`, async () => {
      assertRefused(await withCallback(callbackURL), 403, {
        message: "Invalid callbackURL",
        code: "INVALID_CALLBACK_URL",
      });
    });

  for (const callbackURL of ["/", "/dash", "/dash?x=1&y=%20", "/a_b-c.d+e/@f", `${origin}/dash`, origin])
    test(`${JSON.stringify(callbackURL.replace(origin, "ORIGIN"))} is trusted`, async () => {
      assertRefused(await withCallback(callbackURL), 401, WRONG_CREDENTIALS);
    });
});
