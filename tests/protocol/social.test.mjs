// Signing in by providers, end to end: the official client, a browser that follows redirects and fills in forms, a real
// OpenID Connect provider, one that lies, and one that is not there.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { knownToProvider, providers, startLiar, startRealProvider, visit } from "./providers.mjs";
import { Browser, assertClientRefused, assertRefused, assertRemembered, assertUser, get, isSignedIn, origin, post, postForm, server, signedUp } from "./support.mjs";

const skip = providers ? false : "the server has no providers of this suite";
const errorPage = `${server}/api/auth/error`;
const login = () => `p${randomUUID().replaceAll("-", "")}`;

let real;
let liar;
before(async () => {
  if (skip) return;
  real = await startRealProvider();
  liar = await startLiar();
});
after(async () => {
  await real?.close();
  await liar?.close();
});

/** Where the client is told to go; in a browser it would go there. */
async function departed(browser, options) {
  const { data, error } = await browser.auth.signIn.social({ callbackURL: "/dash", errorCallbackURL: "/failed?why=1", ...options });
  assert.equal(error, null);
  assert.equal(data.redirect, true);
  return data.url;
}

async function signInAtReal(who, { browser = new Browser(), ...options } = {}) {
  const { at } = await visit(browser, await departed(browser, { provider: "real", ...options }), { login: who });
  return { browser, at };
}

/** Signs in at the liar, who tells this lie; answers where the browser ends. */
async function signInAtLiar(lie, { browser = new Browser(), email = "", sub, ...options } = {}) {
  const wish = new URLSearchParams({ lie, ...(email && { email }), ...(sub && { sub }) });
  const url = await departed(browser, { provider: "liar", loginHint: wish.toString(), ...options });
  const { at, trail } = await visit(browser, url);
  return { browser, at, trail, url };
}

const accountsOf = async (browser) => (await browser.auth.listAccounts()).data;
const oneOf = async (browser, provider) => (await accountsOf(browser)).find((account) => account.providerId === provider);
const failure = (at) => `${at.pathname}${at.search}`;

describe("signing out of a provider", { skip }, () => {
  test("leads on to the provider's own sign-out, and back", async () => {
    const { browser } = await signInAtReal(login());
    const { data, error } = await browser.auth.signOut({ callbackURL: "/bye", state: "s 1" });
    assert.equal(error, null);
    assert.equal(data.success, true);
    assert.equal(data.redirect, true);
    assert.ok(!(await isSignedIn(browser)));
    const url = new URL(data.url);
    assert.equal(url.origin + url.pathname, `${providers.real.issuer}/session/end`);
    assert.equal(url.searchParams.get("client_id"), providers.real.clientId);
    assert.equal(url.searchParams.get("post_logout_redirect_uri"), `${origin}/bye`);
    assert.equal(url.searchParams.get("state"), "s 1");
    assert.equal(url.searchParams.get("id_token_hint").split(".").length, 3);
    // The provider takes it for a request of ours, and asks its user.
    const asked = await fetch(url, { redirect: "manual" });
    assert.equal(asked.status, 200);
    assert.match(await asked.text(), /<form/);
  });

  test("only says where with disableRedirect, and nothing to whoever came otherwise", async () => {
    const { browser } = await signInAtReal(login());
    const { data } = await browser.auth.signOut({ disableRedirect: true });
    assert.equal(data.redirect, false);
    assert.ok(!new URL(data.url).searchParams.has("post_logout_redirect_uri"));
    assert.deepEqual((await browser.auth.signOut()).data, { success: true });
    const { browser: other } = await signedUp();
    assert.deepEqual((await other.auth.signOut()).data, { success: true });
  });
});

describe("signing in at a provider", { skip }, () => {
  test("sends the browser there with everything that makes the answer its own", async () => {
    const browser = new Browser();
    const url = new URL(await departed(browser, { provider: "real", scopes: ["extra"], loginHint: "x@y.co", additionalParams: { foo: "bar baz" } }));
    assert.equal(`${url.origin}${url.pathname}`, `${providers.real.issuer}/auth`);
    const sent = Object.fromEntries(url.searchParams);
    assert.deepEqual(
      { ...sent, state: sent.state.length, nonce: sent.nonce.length, code_challenge: sent.code_challenge.length },
      {
        response_type: "code",
        client_id: providers.real.clientId,
        state: 32,
        scope: "openid profile email offline_access extra",
        redirect_uri: `${server}/api/auth/callback/real`,
        login_hint: "x@y.co",
        nonce: 43,
        code_challenge_method: "S256",
        code_challenge: 43,
        prompt: "consent",
        foo: "bar baz",
      },
    );
    assert.equal(browser.last.headers.get("location"), url.href);
    assert.match(browser.last.setCookie[0], /^better-auth\.state=[^;]+; Max-Age=300; Path=\/; HttpOnly; SameSite=Lax$/);
    assert.ok(decodeURIComponent(browser.jar.get("better-auth.state")).startsWith(`${sent.state}.`));
  });

  test("with disableRedirect says where, and does not go", async () => {
    const answer = await post("/sign-in/social", { provider: "real", disableRedirect: true });
    assert.equal(answer.headers.location, undefined);
    assert.deepEqual(Object.keys(answer.json), ["url", "redirect"]);
    assert.equal(answer.json.redirect, false);
  });

  test("registers whoever is new, and sends them to the page for them", async () => {
    const who = login();
    const { browser, at } = await signInAtReal(who, { newUserCallbackURL: "/welcome" });
    assert.equal(at.href, `${origin}/welcome`);
    const { setCookie } = browser.last;
    assert.equal(setCookie[0], "better-auth.state=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    assertRemembered(setCookie.slice(1));
    const { data } = await browser.auth.getSession();
    assertUser(data.user, {
      email: `${who}@example.com`,
      emailVerified: true,
      name: `Person ${who}`,
      image: "https://pictures.example.com/1.png",
    });
  });

  test("knows them the next time, on any device", async () => {
    const who = login();
    const first = await signInAtReal(who);
    const second = await signInAtReal(who, { newUserCallbackURL: "/welcome", callbackURL: "/dash?x=1" });
    assert.equal(second.at.href, `${origin}/dash?x=1`);
    const users = await Promise.all([first, second].map(async ({ browser }) => (await browser.auth.getSession()).data.user.id));
    assert.equal(users[0], users[1]);
    assert.equal((await accountsOf(second.browser)).length, 1);
  });

  test("twenty times at once is still one user", async () => {
    const email = `${login()}@example.com`;
    const arrived = await Promise.all(Array.from({ length: 20 }, () => signInAtLiar("none", { email })));
    const ids = await Promise.all(arrived.map(async ({ browser }) => (await browser.auth.getSession()).data.user.id));
    assert.equal(new Set(ids).size, 1);
  });

  test("goes to the error page of the request when the user says no", async () => {
    const browser = new Browser();
    const { at } = await visit(browser, await departed(browser, { provider: "real" }), { cancel: true });
    assert.equal(at.pathname, "/failed");
    assert.equal(at.searchParams.get("why"), "1");
    assert.equal(at.searchParams.get("error"), "access_denied");
    assert.equal(await isSignedIn(browser), false);
  });

  test("is 404 for a provider that nobody has configured", async () => {
    assertClientRefused(await new Browser().auth.signIn.social({ provider: "nope" }), 404, { message: "Provider not found", code: "PROVIDER_NOT_FOUND" });
  });

  test("is 403 for pages of strangers", async () => {
    for (const [member, code] of [["callbackURL", "INVALID_CALLBACK_URL"], ["errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"], ["newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"]])
      assertRefused(await post("/sign-in/social", { provider: "real", [member]: "https://evil.test/" }), 403, { message: `Invalid ${member}`, code });
  });

  test("is 400 for parameters that are ours to set", async () => {
    const answer = await post("/sign-in/social", { provider: "real", additionalParams: { redirect_uri: "https://evil.test" } });
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, /^\[body\.additionalParams\] additionalParams cannot include reserved OAuth parameters: state, client_id/);
  });

  test("by a form is bounced to the same address as a GET", async () => {
    const answer = await postForm("/callback/real?state=s", { code: "c d", state: "other", iss: "i" });
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.location, `${server}/api/auth/callback/real?code=c+d&state=s&iss=i`);
    assert.equal(answer.text, "");
  });
});

describe("an id token that the client brings", { skip }, () => {
  test("signs its owner in", async () => {
    const who = login();
    const { browser } = await signInAtReal(who);
    const account = await oneOf(browser, "real");
    const { data: tokens } = await browser.auth.getAccessToken({ accountId: account.id });
    const other = new Browser();
    const { data, error } = await other.auth.signIn.social({ provider: "real", idToken: { token: tokens.idToken, accessToken: tokens.accessToken } });
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), ["redirect", "token", "user"]);
    assert.equal(data.redirect, false);
    assert.equal(data.user.email, `${who}@example.com`);
    assert.ok(await isSignedIn(other));
  });

  test("is 401 when it is none, or of somebody else's nonce", async () => {
    const { browser } = await signInAtReal(login());
    const { data } = await browser.auth.getAccessToken({ accountId: (await oneOf(browser, "real")).id });
    const [header, body, signature] = data.idToken.split(".");
    for (const idToken of [{ token: "bad" }, { token: `${header}.${body}.` }, { token: `${header}.${body}.${signature.slice(4)}` }, { token: data.idToken, nonce: "mine" }])
      assertClientRefused(await new Browser().auth.signIn.social({ provider: "real", idToken }), 401, { message: "Invalid token", code: "INVALID_TOKEN" });
  });

  test("is 404 where a provider has none", async () => {
    assertRefused(await post("/sign-in/social", { provider: "github", idToken: { token: "x" } }), 404, { message: "id_token not supported", code: "ID_TOKEN_NOT_SUPPORTED" });
  });

  test("is 400 without a token", async () => {
    const answer = await post("/sign-in/social", { provider: "real", idToken: { nonce: 1 } });
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, /\[body\.idToken\.token\] Invalid input: expected string, received undefined/);
  });
});

describe("linking", { skip }, () => {
  test("happens by itself where both sides have verified the address", async () => {
    const who = login();
    const first = await signInAtReal(who);
    const second = await signInAtLiar("none", { email: `${who}@example.com` });
    assert.equal(second.at.pathname, "/dash");
    assert.deepEqual((await accountsOf(second.browser)).map((account) => account.providerId).sort(), ["liar", "real"]);
    assert.equal((await first.browser.auth.getSession()).data.user.id, (await second.browser.auth.getSession()).data.user.id);
  });

  test("does not happen by itself to an address that is not verified here", async () => {
    const { person } = await signedUp();
    const { browser, at } = await signInAtLiar("none", { email: person.email });
    assert.equal(failure(at), "/failed?why=1&error=account_not_linked");
    assert.equal(await isSignedIn(browser), false);
  });

  test("does not happen by itself where the provider has not verified the address", async () => {
    const who = login();
    await signInAtReal(who);
    const { at } = await signInAtLiar("unverified", { email: `${who}@example.com` });
    assert.equal(failure(at), "/failed?why=1&error=account_not_linked");
  });

  test("happens when a user asks for it, without another session", async () => {
    const who = login();
    const { browser } = await signedUp({ email: `${who}@example.com` });
    const before = browser.jar.sessionCookie;
    const { data } = await browser.auth.linkSocial({ provider: "real", callbackURL: "/linked", errorCallbackURL: "/failed" });
    assert.equal(data.redirect, true);
    const { at } = await visit(browser, data.url, { login: who });
    assert.equal(at.href, `${origin}/linked`);
    assert.equal(browser.jar.sessionCookie, before);
    assert.deepEqual((await accountsOf(browser)).map((account) => account.providerId).sort(), ["credential", "real"]);
  });

  test("is refused for an account with another address", async () => {
    const { browser } = await signedUp();
    const { data } = await browser.auth.linkSocial({ provider: "real", callbackURL: "/linked", errorCallbackURL: "/failed" });
    const { at } = await visit(browser, data.url, { login: login() });
    assert.equal(failure(at), "/failed?error=email_does_not_match");
  });

  test("is refused for an account that is somebody else's", async () => {
    const who = login();
    await signInAtReal(who);
    const { browser } = await signedUp();
    const { data } = await browser.auth.linkSocial({ provider: "real", callbackURL: "/linked", errorCallbackURL: "/failed" });
    const { at } = await visit(browser, data.url, { login: who });
    assert.equal(failure(at), "/failed?error=account_already_linked_to_different_user");
  });

  test("by an id token answers without a redirect", async () => {
    const who = login();
    const { browser } = await signInAtReal(who);
    const { data: tokens } = await browser.auth.getAccessToken({ accountId: (await oneOf(browser, "real")).id });
    const own = await browser.auth.linkSocial({ provider: "real", idToken: { token: tokens.idToken, accessToken: tokens.accessToken } });
    assert.deepEqual(own.data, { url: "", status: true, redirect: false });
    const stranger = await signedUp();
    assertClientRefused(await stranger.browser.auth.linkSocial({ provider: "real", idToken: { token: tokens.idToken, accessToken: tokens.accessToken } }), 409, {
      message: "Social account already linked",
      code: "SOCIAL_ACCOUNT_ALREADY_LINKED",
    });
  });

  test("is 401 when signed out", async () => {
    assertRefused(await post("/link-social", { provider: "real" }), 401, { message: "Unauthorized", code: "UNAUTHORIZED" });
  });
});

describe("accounts", { skip }, () => {
  test("are listed without a secret", async () => {
    const who = login();
    const { browser } = await signInAtReal(who);
    const [account] = await accountsOf(browser);
    const user = (await browser.auth.getSession()).data.user;
    assert.deepEqual(Object.keys(account).sort(), ["accountId", "createdAt", "id", "issuer", "providerId", "scopes", "updatedAt", "userId"]);
    assert.deepEqual(
      { ...account, id: 0, createdAt: 0, updatedAt: 0, scopes: account.scopes.toSorted() },
      { id: 0, createdAt: 0, updatedAt: 0, accountId: who, issuer: providers.real.issuer, providerId: "real", userId: user.id, scopes: ["email", "offline_access", "openid", "profile"] },
    );
  });

  test("of a password are listed too", async () => {
    const { browser, user } = await signedUp();
    const [{ id, createdAt, updatedAt, ...account }] = await accountsOf(browser);
    assert.deepEqual(account, { accountId: user.id, issuer: "local:credential", providerId: "credential", userId: user.id, scopes: [] });
  });

  test("give a token that the provider takes", async () => {
    const who = login();
    const { browser } = await signInAtReal(who);
    const { data } = await browser.auth.getAccessToken({ accountId: (await oneOf(browser, "real")).id });
    assert.deepEqual(Object.keys(data).sort(), ["accessToken", "accessTokenExpiresAt", "idToken", "scopes"]);
    assert.ok(data.accessTokenExpiresAt > new Date());
    const me = await fetch(`${providers.real.issuer}/me`, { headers: { authorization: `Bearer ${data.accessToken}` } });
    assert.equal((await me.json()).sub, who);
  });

  test("are refreshed again and again, although each refresh token is good for one use", async () => {
    const { browser } = await signInAtReal(login());
    const { id } = await oneOf(browser, "real");
    const tokens = new Set();
    for (let round = 0; round < 3; round++) {
      const { data, error } = await browser.auth.refreshToken({ accountId: id });
      assert.equal(error, null);
      assert.deepEqual(Object.keys(data).sort(), ["accessToken", "accessTokenExpiresAt", "accountId", "idToken", "providerId", "refreshToken", "refreshTokenExpiresAt", "scope"]);
      assert.equal(data.accountId, id);
      tokens.add(data.refreshToken);
    }
    assert.equal(tokens.size, 3);
  });

  test("are refreshed once however many ask at once", async () => {
    const { browser } = await signInAtReal(login());
    const { id } = await oneOf(browser, "real");
    const answers = await Promise.all(Array.from({ length: 25 }, () => browser.auth.refreshToken({ accountId: id })));
    assert.deepEqual(answers.map(({ error }) => error), Array(25).fill(null));
    const next = await browser.auth.refreshToken({ accountId: id });
    assert.equal(next.error, null);
  });

  test("show what the provider says today", async () => {
    const who = login();
    const { browser } = await signInAtReal(who);
    const account = await oneOf(browser, "real");
    knownToProvider.set(who, { name: "Renamed" });
    const { data } = await browser.auth.accountInfo({ query: { accountId: account.id } });
    assert.deepEqual(data.user, { name: "Renamed", email: `${who}@example.com`, image: "https://pictures.example.com/1.png", emailVerified: true });
    assert.deepEqual(data.account, { id: account.id, providerId: "real", issuer: providers.real.issuer, accountId: who });
    assert.equal(data.data.sub, who);
  });

  test("are somebody's own", async () => {
    const { browser } = await signInAtReal(login());
    const { id } = await oneOf(browser, "real");
    const { browser: other } = await signedUp();
    const notFound = { message: "Account not found", code: "ACCOUNT_NOT_FOUND" };
    for (const accountId of [id, "nope"]) {
      assertClientRefused(await other.auth.getAccessToken({ accountId }), 400, notFound);
      assertClientRefused(await other.auth.refreshToken({ accountId }), 400, notFound);
      assertClientRefused(await other.auth.accountInfo({ query: { accountId } }), 400, notFound);
    }
  });

  test("of a password have no tokens", async () => {
    const { browser } = await signedUp();
    const { id } = await oneOf(browser, "credential");
    const notSupported = { message: "Provider credential is not supported.", code: "PROVIDER_NOT_SUPPORTED" };
    assertClientRefused(await browser.auth.getAccessToken({ accountId: id }), 400, notSupported);
    assertClientRefused(await browser.auth.refreshToken({ accountId: id }), 400, notSupported);
    assertClientRefused(await browser.auth.accountInfo({ query: { accountId: id } }), 400, {
      message: "Account is not associated with a configured social provider.",
      code: "PROVIDER_NOT_CONFIGURED",
    });
  });

  test("without a refresh token are not refreshed", async () => {
    const { browser } = await signInAtLiar("none");
    assertClientRefused(await browser.auth.refreshToken({ accountId: (await oneOf(browser, "liar")).id }), 400, { message: "Refresh token not found", code: "REFRESH_TOKEN_NOT_FOUND" });
  });

  test("are named by nothing but their id", async () => {
    const { browser } = await signInAtReal(login());
    const malformed = { message: "[body] Invalid input", code: "VALIDATION_ERROR" };
    for (const body of [{ providerId: "real" }, { accountId: "x", providerId: "real" }, { accountId: 1 }, {}])
      for (const path of ["/get-access-token", "/refresh-token"]) assertRefused(await post(path, body, browser.headers), 400, malformed);
    assertRefused(await post("/get-access-token", { useAccountCookie: true }, browser.headers), 400, { message: "Account not found", code: "ACCOUNT_NOT_FOUND" });
    assertRefused(await get("/account-info?providerId=real", browser.headers), 400, { message: "[query] Invalid input", code: "VALIDATION_ERROR" });
  });

  test("are closed to whoever is signed out, with an empty body", async () => {
    for (const answer of [await post("/get-access-token", { accountId: "x" }), await post("/refresh-token", { accountId: "x" }), await get("/account-info?accountId=x")])
      assert.deepEqual([answer.status, answer.text], [401, ""]);
    for (const answer of [await get("/list-accounts"), await post("/unlink-account", { accountId: "x" })])
      assertRefused(answer, 401, { message: "Unauthorized", code: "UNAUTHORIZED" });
  });

  test("are given up but for the last one", async () => {
    const who = login();
    const { browser } = await signInAtReal(who);
    const last = { message: "You can't unlink your last account", code: "FAILED_TO_UNLINK_LAST_ACCOUNT" };
    const { id } = await oneOf(browser, "real");
    assertClientRefused(await browser.auth.unlinkAccount({ accountId: id }), 400, last);
    assertClientRefused(await browser.auth.unlinkAccount({ accountId: "nope" }), 400, last);
    await signInAtLiar("none", { email: `${who}@example.com` });
    assertClientRefused(await browser.auth.unlinkAccount({ accountId: "nope" }), 400, { message: "Account not found", code: "ACCOUNT_NOT_FOUND" });
    assert.deepEqual((await browser.auth.unlinkAccount({ accountId: id })).data, { status: true });
    assert.deepEqual((await accountsOf(browser)).map((account) => account.providerId), ["liar"]);
    assertClientRefused(await browser.auth.unlinkAccount({ accountId: (await oneOf(browser, "liar")).id }), 400, last);
  });

  test("two given up at once leave one", async () => {
    const who = login();
    const { browser } = await signInAtReal(who);
    await signInAtLiar("none", { email: `${who}@example.com` });
    const accounts = await accountsOf(browser);
    await Promise.all(accounts.map(({ id }) => browser.auth.unlinkAccount({ accountId: id })));
    assert.equal((await accountsOf(browser)).length, 1);
  });
});

describe("a provider that lies", { skip }, () => {
  const told = {
    "wrong nonce": "unable_to_get_user_info",
    "no nonce": "unable_to_get_user_info",
    "wrong issuer": "unable_to_get_user_info",
    "wrong audience": "unable_to_get_user_info",
    expired: "unable_to_get_user_info",
    unsigned: "unable_to_get_user_info",
    "wrong key": "unable_to_get_user_info",
    "unknown key": "unable_to_get_user_info",
    "public key as secret": "unable_to_get_user_info",
    "wrong token hash": "unable_to_get_user_info",
    "no id token": "unable_to_get_user_info",
    "other userinfo": "unable_to_get_user_info",
    "iss of another": "issuer_mismatch",
    "no iss": "issuer_mismatch",
  };
  for (const [lie, code] of Object.entries(told))
    test(`signs nobody in: ${lie}`, async () => {
      const { browser, at } = await signInAtLiar(lie);
      assert.equal(failure(at), `/failed?why=1&error=${code}`);
      assert.equal(await isSignedIn(browser), false);
    });

  test("does not make us ask for its keys all the time", async () => {
    await signInAtLiar("unknown key");
    const before = liar.seen.keyRequests;
    for (let round = 0; round < 5; round++) await signInAtLiar("unknown key");
    assert.equal(liar.seen.keyRequests, before);
  });

  test("tampers with the state in vain", async () => {
    const { browser, at } = await signInAtLiar("tampered state");
    assert.equal(at.href, `${errorPage}?error=state_mismatch`);
    assert.equal(await isSignedIn(browser), false);
  });

  test("has its answer taken once", async () => {
    const { browser, trail } = await signInAtLiar("code for ever");
    const path = trail.find((url) => url.includes("/callback/")).slice(`${server}/api/auth`.length);
    const again = await get(path, browser.headers);
    assert.equal(again.status, 302);
    assert.equal(again.headers.location, `${errorPage}?error=state_mismatch`);
    assert.deepEqual(again.setCookie, []);
  });

  test("has its answer taken once, also when it comes ten times at once", async () => {
    const browser = new Browser();
    const url = await departed(browser, { provider: "liar", loginHint: new URLSearchParams({ lie: "code for ever" }).toString() });
    const back = (await fetch(url, { redirect: "manual" })).headers.get("location").slice(`${server}/api/auth`.length);
    const before = liar.seen.tokenRequests;
    const answers = await Promise.all(Array.from({ length: 10 }, () => get(back, browser.headers)));
    // Who comes when it is gone already no longer learns which error page was meant.
    const ends = answers.map((answer) => answer.headers.location);
    assert.deepEqual(ends.filter((end) => !end.endsWith("error=state_mismatch")), ["/dash"]);
    assert.equal(liar.seen.tokenRequests, before + 1);
  });

  test("cannot make one browser finish what another began", async () => {
    const [attacker, victim] = [new Browser(), new Browser()];
    const url = await departed(attacker, { provider: "liar", loginHint: "lie=none" });
    await departed(victim, { provider: "liar" });
    const { at } = await visit(victim, url);
    assert.equal(failure(at), "/failed?why=1&error=state_mismatch");
    assert.equal(await isSignedIn(victim), false);
    // Nothing was used up: the browser that began it can finish.
    assert.equal((await visit(attacker, url)).at.pathname, "/dash");
  });

  test("cannot answer for another provider", async () => {
    const browser = new Browser();
    const url = await departed(browser, { provider: "liar", loginHint: "lie=none" });
    const back = new URL((await fetch(url, { redirect: "manual" })).headers.get("location"));
    back.pathname = back.pathname.replace("/liar", "/real");
    assert.equal(failure((await visit(browser, back)).at), "/failed?why=1&error=state_mismatch");
  });

  test("is told apart from nobody", async () => {
    for (const [path, error] of [["/callback/real?code=x", "state_not_found"], ["/callback/real?code=x&state=unknown", "state_mismatch"], ["/callback/real?state=a&state=b", "invalid_callback_request"]]) {
      const answer = await get(path);
      assert.deepEqual([answer.status, answer.headers.location, answer.text], [302, `${errorPage}?error=${error}`, ""]);
    }
  });

  test("needs a code", async () => {
    const browser = new Browser();
    const url = new URL(await departed(browser, { provider: "liar" }));
    const answer = await get(`/callback/liar?state=${url.searchParams.get("state")}`, browser.headers);
    assert.equal(answer.headers.location, "/failed?why=1&error=no_code");
  });
});

describe("a provider that is down", { skip }, () => {
  test("is a clean error for whoever wants to go there", async () => {
    const started = Date.now();
    const unavailable = { message: "The provider does not answer. Try again later.", code: "PROVIDER_UNAVAILABLE" };
    assertClientRefused(await new Browser().auth.signIn.social({ provider: "down" }), 503, unavailable);
    const { browser } = await signedUp();
    assertClientRefused(await browser.auth.linkSocial({ provider: "down" }), 503, unavailable);
    assertClientRefused(await new Browser().auth.signIn.social({ provider: "down", idToken: { token: "x" } }), 503, unavailable);
    assert.ok(Date.now() - started < 20_000);
  });

  for (const lie of ["crash", "500", "page", "elsewhere", "flood", "silence"])
    test(`is a clean error for whoever comes back: ${lie}`, async () => {
      const started = Date.now();
      const { browser, at } = await signInAtLiar(lie);
      assert.equal(failure(at), "/failed?why=1&error=invalid_code");
      assert.equal(await isSignedIn(browser), false);
      assert.ok(Date.now() - started < 10_000, `${Date.now() - started} ms`);
    });
});
