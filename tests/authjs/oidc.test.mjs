// Signing in at a provider, and the accounts that come of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Browser, agent, entriesOf, newLogin, sql, startApplication, startNetwork, startProvider, userOf } from "./support.mjs";

let network;
let provider;
let app;
before(async () => {
  network = await startNetwork();
  provider = await startProvider();
  app = await startApplication({
    network,
    providers: [provider.client("keycloak"), provider.client("second"), provider.client("trusted", { allowDangerousEmailAccountLinking: true })],
  });
  provider.knows(app, "keycloak", "second", "trusted");
});

test("somebody new gets a user, an account and a session, and the log tells it all", async () => {
  const [login, browser] = [newLogin(), new Browser(app)];
  assert.equal((await browser.signInAt("keycloak", login)).pathname, "/");
  const user = await userOf(`${login}@example.com`);
  assert.deepEqual((await browser.session()).user, { name: `Person ${login}`, email: `${login}@example.com`, image: "https://pictures.example.com/1.png" });

  const [account] = await sql("select * from identity.mt_doc_account where user_id = $1", user.id);
  assert.deepEqual([account.issuer, account.account_id, account.data.providerId], ["authjs:keycloak", login, "keycloak"]);
  assert.deepEqual([account.data.authJs.type, account.data.authJs.tokenType], ["oidc", "bearer"]);
  assert.ok(Math.abs(account.data.authJs.expiresAt - Date.now() / 1000 - 3600) < 60);
  const kept = await app.adapter.getAccount(login, "keycloak");
  assert.equal(kept.userId, user.id);
  assert.match(kept.id_token, /^ey/);
  assert.ok(!JSON.stringify(account.data).includes(kept.access_token) && !JSON.stringify(account.data).includes(kept.id_token), "tokens are sealed");

  const [session] = await sql("select * from sessions.mt_doc_session where user_id = $1", user.id);
  assert.deepEqual(session.token_hash, createHash("sha256").update(browser.sessionToken).digest());
  assert.deepEqual([session.data.method, session.data.ipAddress, session.data.userAgent], ["authjs", "203.0.113.7", agent]);

  const entries = await entriesOf(user.id, 4);
  assert.deepEqual(entries.map(({ type, reason }) => `${type} ${reason}`).filter((entry) => !entry.startsWith("profile")), [
    "user.registered.1 authjs",
    "account.linked.1 authjs",
    "session.started.1 authjs",
  ]);
  for (const entry of entries.filter(({ type }) => !type.startsWith("profile")))
    assert.deepEqual([entry.actor, entry.ip, entry.agent], [user.id, "203.0.113.7", agent]);
});

test("whoever comes again is the same user with one more session, and stored tokens stay", async () => {
  const login = newLogin();
  await new Browser(app).signInAt("keycloak", login);
  const before = await app.adapter.getAccount(login, "keycloak");
  await new Browser(app).signInAt("keycloak", login);
  const user = await userOf(`${login}@example.com`);
  assert.deepEqual(await sql("select count(*)::int as sessions from sessions.mt_doc_session where user_id = $1", user.id), [{ sessions: 2 }]);
  assert.deepEqual(await app.adapter.getAccount(login, "keycloak"), before);
});

test("signing in again in the same browser changes nothing that is stored", async () => {
  const [login, browser] = [newLogin(), new Browser(app)];
  await browser.signInAt("keycloak", login);
  const token = browser.sessionToken;
  await browser.signInAt("keycloak", login);
  assert.equal(browser.sessionToken, token);
});

test("whoever is signed in links another account, whatever its address", async () => {
  const [login, other, browser] = [newLogin(), newLogin(), new Browser(app)];
  await browser.signInAt("keycloak", login);
  await browser.signInAt("second", other);
  const user = await userOf(`${login}@example.com`);
  const accounts = await sql("select provider, \"providerAccountId\" as id from authjs.account where \"userId\" = $1 order by 1", user.id);
  assert.deepEqual(accounts, [{ provider: "keycloak", id: login }, { provider: "second", id: other }]);
  assert.equal(await userOf(`${other}@example.com`), undefined);

  const elsewhere = new Browser(app);
  await elsewhere.signInAt("second", other);
  assert.equal((await elsewhere.session()).user.email, `${login}@example.com`);
});

test("an account is never moved to whoever else is signed in", async () => {
  const [ada, bob] = [newLogin(), newLogin()];
  await new Browser(app).signInAt("keycloak", ada);
  const browser = new Browser(app);
  await browser.signInAt("second", bob);
  const at = await browser.signInAt("keycloak", ada);
  assert.equal(at.searchParams.get("error"), "OAuthAccountNotLinked");
  assert.equal((await app.adapter.getUserByAccount({ provider: "keycloak", providerAccountId: ada })).email, `${ada}@example.com`);
});

test("an address that is known is not enough, but where the application trusts the provider it is", async () => {
  const [login, other] = [newLogin(), newLogin()];
  await new Browser(app).signInAt("keycloak", login);
  provider.people.set(other, { email: `${login.toUpperCase()}@Example.com` });
  const browser = new Browser(app);
  assert.equal((await browser.signInAt("second", other)).searchParams.get("error"), "OAuthAccountNotLinked");
  assert.equal(await browser.session(), null);

  await browser.signInAt("trusted", other);
  assert.equal((await browser.session()).user.email, `${login}@example.com`);
  const user = await userOf(`${login}@example.com`);
  assert.deepEqual(await sql("select count(*)::int as accounts from identity.mt_doc_account where user_id = $1", user.id), [{ accounts: 2 }]);
});

test("somebody without an address comes in, again and again", async () => {
  const login = newLogin();
  provider.people.set(login, { email: undefined });
  const [first, second] = [new Browser(app), new Browser(app)];
  await first.signInAt("keycloak", login);
  await second.signInAt("keycloak", login);
  assert.deepEqual((await second.session()).user, { name: `Person ${login}`, email: null, image: "https://pictures.example.com/1.png" });
  const user = await app.adapter.getUserByAccount({ provider: "keycloak", providerAccountId: login });
  assert.deepEqual(await sql("select email, raw_json ->> 'email' as raw from neon_auth.users_sync where id = $1", user.id), [{ email: null, raw: null }]);
});

test("a sign-in that broke off before the account was linked is made good by the next one", async () => {
  const [login, browser] = [newLogin(), new Browser(app)];
  network.fault = (method, request) => method === "link-account" && (request.socket.destroy(), true);
  assert.equal((await browser.signInAt("keycloak", login)).searchParams.get("error"), "Configuration");
  network.fault = undefined;
  const left = await userOf(`${login}@example.com`);
  assert.equal(await browser.session(), null);

  // The visitor's own try may still be under way for a quarter of a minute.
  assert.equal((await browser.signInAt("keycloak", login)).searchParams.get("error"), "OAuthAccountNotLinked");
  await sleep(15_500);
  await browser.signInAt("keycloak", login);
  assert.equal((await browser.session()).user.email, `${login}@example.com`);
  const user = await userOf(`${login}@example.com`);
  assert.notEqual(user.id, left.id);
  assert.deepEqual((await entriesOf(left.id, 2)).filter(({ type }) => type === "user.deleted.1").map(({ reason }) => reason), ["sign_in_broke_off"]);
});

test("an answer that is lost after the account was linked costs only another try", async () => {
  const [login, browser] = [newLogin(), new Browser(app)];
  network.fault = (method, request) => method === "create-session" && (request.socket.destroy(), true);
  assert.equal((await browser.signInAt("keycloak", login)).searchParams.get("error"), "Configuration");
  network.fault = undefined;
  await browser.signInAt("keycloak", login);
  assert.equal((await browser.session()).user.email, `${login}@example.com`);
});

test("of two first sign-ins at once one may fail, and neither leaves a second user", async () => {
  const login = newLogin();
  const browsers = [new Browser(app), new Browser(app)];
  await Promise.all(browsers.map((browser) => browser.signInAt("keycloak", login)));
  const sessions = await Promise.all(browsers.map((browser) => browser.session()));
  assert.ok(sessions.some(Boolean));
  assert.deepEqual(await sql("select count(*)::int as users from identity.mt_doc_user where email = $1", `${login}@example.com`), [{ users: 1 }]);
});

test("a deleted user's accounts and sessions are gone, and the provider's visitor is somebody new", async () => {
  const [login, browser] = [newLogin(), new Browser(app)];
  await browser.signInAt("keycloak", login);
  const user = await userOf(`${login}@example.com`);
  await app.adapter.deleteUser(user.id);
  assert.equal(await browser.session(), null);
  assert.equal(browser.sessionToken, undefined, "the cookie is cleared");
  await browser.signInAt("keycloak", login);
  assert.notEqual((await userOf(`${login}@example.com`)).id, user.id);
});

test("a banned user is not let in", async () => {
  const [login, browser] = [newLogin(), new Browser(app)];
  await browser.signInAt("keycloak", login);
  const user = await userOf(`${login}@example.com`);
  await sql(`update identity.mt_doc_user set banned = true, data = data || '{"banned": true}' where id = $1`, user.id);
  await sleep(200);
  assert.equal(await browser.session(), null);
  assert.equal((await new Browser(app).signInAt("keycloak", login)).searchParams.get("error"), "Configuration");
  assert.equal(app.problems.at(-1).cause.err.code, "banned_user");
});
