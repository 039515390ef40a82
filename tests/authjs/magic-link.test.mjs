// Links in mails: good once, within their time, for their own address.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Browser, entriesOf, newLogin, sql, startApplication, startNetwork, startProvider, userOf } from "./support.mjs";

let network;
let provider;
let app;
before(async () => {
  network = await startNetwork();
  provider = await startProvider();
  app = await startApplication({ network, providers: [provider.client("keycloak")] });
  provider.knows(app, "keycloak");
});

const newAddress = () => `${newLogin()}@example.com`;
const linkFor = async (browser, email) => {
  await browser.post("/auth/signin/mail", { email });
  return app.mails.at(-1).url;
};

test("somebody new comes in by a link, with an address that is known to be theirs", async () => {
  const [email, browser] = [newAddress(), new Browser(app)];
  const url = await linkFor(browser, email.toUpperCase());
  const token = new URL(url).searchParams.get("token");
  assert.deepEqual(
    await sql("select count(*)::int as n from identity.mt_doc_verification v where purpose = 'authjs' and v::text like '%' || $1 || '%'", token),
    [{ n: 0 }],
  );
  await browser.follow(url);
  assert.equal((await browser.session()).user.email, email);
  const user = await userOf(email);
  assert.ok(user.email_verified && Date.now() - user.email_verified_at < 60_000);
  assert.deepEqual(await sql("select * from identity.mt_doc_account where user_id = $1", user.id), []);
  const types = (await entriesOf(user.id, 3)).map(({ type }) => type).filter((type) => !type.startsWith("profile"));
  assert.deepEqual(types, ["user.registered.1", "session.started.1"]);
});

test("whoever is known comes in by a link, and it is in the log from the mail on", async () => {
  const [login, browser] = [newLogin(), new Browser(app)];
  const email = `${login}@example.com`;
  await new Browser(app).signInAt("keycloak", login);
  const user = await userOf(email);
  assert.equal(user.email_verified, false);
  await browser.follow(await linkFor(browser, email));
  assert.equal((await browser.session()).user.email, email);
  assert.equal((await userOf(email)).email_verified, true);
  const types = (await entriesOf(user.id, 8)).map(({ type }) => type).filter((type) => !type.startsWith("profile"));
  assert.deepEqual(types, [
    "user.registered.1", "account.linked.1", "session.started.1",
    "verification_token.created.1", "verification_token.used.1", "user.email_verified.1", "session.started.1",
  ]);
});

test("a link is good once", async () => {
  const [email, browser] = [newAddress(), new Browser(app)];
  const url = await linkFor(browser, email);
  await browser.follow(url);
  const again = new Browser(app);
  assert.equal((await again.follow(url)).searchParams.get("error"), "Verification");
  assert.equal(await again.session(), null);
});

test("of fifty openings of a link at once one comes in", async () => {
  const email = newAddress();
  const url = await linkFor(new Browser(app), email);
  const ends = await Promise.all(Array.from({ length: 50 }, () => new Browser(app).follow(url)));
  assert.equal(ends.filter(({ searchParams }) => searchParams.get("error") === null).length, 1);
  assert.equal(ends.filter(({ searchParams }) => searchParams.get("error") === "Verification").length, 49);
  assert.deepEqual(await sql("select count(*)::int as sessions from sessions.mt_doc_session where user_id = $1", (await userOf(email)).id), [{ sessions: 1 }]);
});

test("several links may be open, and each is good", async () => {
  const [email, browser] = [newAddress(), new Browser(app)];
  const links = [await linkFor(browser, email), await linkFor(browser, email)];
  for (const link of links.reverse()) {
    const one = new Browser(app);
    await one.follow(link);
    assert.equal((await one.session()).user.email, email);
  }
});

test("a link of another address, or of none, burns nothing", async () => {
  const [email, browser] = [newAddress(), new Browser(app)];
  const link = new URL(await linkFor(browser, email));
  const [wrong, none] = [new URL(link), new URL(link)];
  wrong.searchParams.set("email", newAddress());
  none.searchParams.delete("email");
  for (const url of [wrong, none]) assert.notEqual((await new Browser(app).follow(url)).searchParams.get("error"), null);
  await browser.follow(link);
  assert.equal((await browser.session()).user.email, email);
});

test("a link that is over lets nobody in and is gone", async () => {
  const [email, browser] = [newAddress(), new Browser(app)];
  const url = await linkFor(browser, email);
  const { token } = await recreate(url, email);
  assert.equal((await browser.follow(url)).searchParams.get("error"), "Verification");
  assert.equal(await app.adapter.useVerificationToken({ identifier: email, token }), null);
});

/** The same link, made a day and a minute ago. */
async function recreate(url, email) {
  const { createHash } = await import("node:crypto");
  const token = createHash("sha256").update(`${new URL(url).searchParams.get("token")}a secret of the application`).digest("hex");
  assert.ok(await app.adapter.useVerificationToken({ identifier: email, token }));
  await app.adapter.createVerificationToken({ identifier: email, token, expires: new Date(Date.now() - 60_000) });
  return { token };
}

test("whoever was signed in as somebody else is signed out by a link", async () => {
  const [ada, bob, browser] = [newAddress(), newAddress(), new Browser(app)];
  await new Browser(app).signInByMail(bob);
  await browser.signInByMail(ada);
  const before = browser.sessionToken;
  await browser.signInByMail(bob);
  assert.equal((await browser.session()).user.email, bob);
  assert.equal(await app.adapter.getSessionAndUser(before), null);
  assert.equal((await entriesOf((await userOf(ada)).id, 4)).at(-1).type, "session.signed_out.1");
});

test("trouble while a link is opened is told from a link that is over", async () => {
  const [email, browser] = [newAddress(), new Browser(app)];
  const url = await linkFor(browser, email);
  network.fault = (method, request) => method === "use-verification-token" && (request.socket.destroy(), true);
  assert.equal((await browser.follow(url)).searchParams.get("error"), "Configuration");
  network.fault = undefined;
  await browser.follow(url);
  assert.equal((await browser.session()).user.email, email);
});
