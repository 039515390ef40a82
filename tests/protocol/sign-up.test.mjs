import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Browser,
  EMAIL_TAKEN,
  assertClientRefused,
  assertNotRemembered,
  assertRefused,
  assertRemembered,
  assertToken,
  assertUser,
  get,
  invalid,
  isSignedIn,
  post,
  postForm,
  signedUp,
  stranger,
  assertNoCookies,
} from "./support.mjs";

describe("signing up with e-mail and password", () => {
  test("gives the user and a token, and signs the browser in", async () => {
    const browser = new Browser(),
      person = stranger();
    const { data, error } = await browser.auth.signUp.email(person);
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), ["token", "user"]);
    assertToken(data.token);
    assertUser(data.user, { name: person.name, email: person.email, emailVerified: false, image: null });
    assertRemembered(browser.last.setCookie);

    const { data: session } = await browser.auth.getSession();
    assert.equal(session.session.token, data.token);
    assert.deepEqual(session.user, data.user);
  });

  test("makes dates of the client's dates", async () => {
    const { user } = await signedUp();
    assert.ok(user.createdAt instanceof Date && user.updatedAt instanceof Date);
    assert.ok(Math.abs(user.createdAt.getTime() - Date.now()) < 60_000);
  });

  test("sends dates with milliseconds and Z over the wire", async () => {
    const answer = await post("/sign-up/email", stranger());
    assert.equal(answer.status, 200);
    assertUser(answer.json.user);
  });

  test("keeps an e-mail address in lower case", async () => {
    const person = stranger();
    const { user } = await signedUp({ ...person, email: person.email.toUpperCase() });
    assert.equal(user.email, person.email);
  });

  test("keeps an image", async () => {
    const { user, browser } = await signedUp({ image: "http://img.test/b.png" });
    assert.equal(user.image, "http://img.test/b.png");
    assert.equal((await browser.auth.getSession()).data.user.image, "http://img.test/b.png");
  });

  test("with rememberMe false sets cookies that end with the browser", async () => {
    const { browser } = await signedUp({ rememberMe: false });
    assertNotRemembered(browser.last.setCookie);
    assert.ok(await isSignedIn(browser));
  });

  test("drops unknown members, and members that are not for the caller to set", async () => {
    const answer = await post(
      "/sign-up/email",
      stranger({ nickname: "cc", emailVerified: true, id: "chosen", createdAt: "2001-01-01T00:00:00.000Z" }),
    );
    assert.equal(answer.status, 200);
    assertUser(answer.json.user, { emailVerified: false });
    assert.notEqual(answer.json.user.id, "chosen");
    assert.ok(!answer.json.user.createdAt.startsWith("2001"));
  });

  test("refuses a role", async () => {
    assertRefused(await post("/sign-up/email", stranger({ role: "admin" })), 400, {
      message: "role is not allowed to be set",
      code: "FIELD_NOT_ALLOWED",
    });
  });

  test("accepts a form", async () => {
    const { name, email, password } = stranger();
    const answer = await postForm("/sign-up/email", { name, email, password });
    assert.equal(answer.status, 200);
    assertUser(answer.json.user, { name, email });
    assertRemembered(answer.setCookie);
  });

  test("accepts a callbackURL, which only matters to the verification mail", async () => {
    const { data, error } = await new Browser().auth.signUp.email(stranger({ callbackURL: "/welcome" }));
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), ["token", "user"]);
  });

  test("gives every user an id of their own", async () => {
    const [a, b] = [await signedUp(), await signedUp()];
    assert.notEqual(a.user.id, b.user.id);
    assert.notEqual(a.token, b.token);
  });
});

describe("signing up with an address that is taken", () => {
  test("is 422 and sets no cookie", async () => {
    const { person } = await signedUp();
    const browser = new Browser();
    assertClientRefused(await browser.auth.signUp.email({ ...stranger(), email: person.email }), 422, EMAIL_TAKEN);
    assert.deepEqual(browser.last.setCookie, []);
  });

  test("is 422 in any mixture of upper and lower case", async () => {
    const { person } = await signedUp();
    assertRefused(await post("/sign-up/email", { ...stranger(), email: person.email.toUpperCase() }), 422, EMAIL_TAKEN);
    assertRefused(
      await post("/sign-up/email", { ...stranger(), email: person.email.replace("ann", "AnN") }),
      422,
      EMAIL_TAKEN,
    );
  });

  test("leaves the first user's password and name alone", async () => {
    const { person, browser } = await signedUp();
    await post("/sign-up/email", { ...stranger(), email: person.email });
    assert.equal((await browser.auth.getSession()).data.user.name, person.name);
    assert.equal((await post("/sign-in/email", person)).status, 200);
  });
});

describe("signing up with something wrong", () => {
  const attempt = (overrides) => post("/sign-up/email", stranger(overrides));

  test("names every missing member", async () => {
    assertRefused(
      await post("/sign-up/email", { email: "b@example.com" }),
      400,
      invalid(
        "[body.name] Invalid input: expected string, received undefined; [body.password] Invalid input: expected string, received undefined",
      ),
    );
  });

  for (const [name, value, message] of [
    ["name", 1, "[body.name] Invalid input: expected string, received number"],
    ["password", null, "[body.password] Invalid input: expected string, received null"],
    ["image", 7, "[body.image] Invalid input: expected string, received number"],
    ["rememberMe", "no", "[body.rememberMe] Invalid input: expected boolean, received string"],
  ])
    test(`says so when ${name} is ${JSON.stringify(value)}`, async () =>
      assertRefused(await attempt({ [name]: value }), 400, invalid(message)));

  for (const email of [
    "not-an-email",
    "",
    "a@b",
    " ann@example.com",
    "a b@example.com",
    "a@@example.com",
    "@example.com",
  ])
    test(`says that ${JSON.stringify(email)} is no e-mail address`, async () =>
      assertRefused(await attempt({ email }), 400, invalid("[body.email] Invalid email address")));

  test("has a way to tell the client", async () => {
    assertClientRefused(
      await new Browser().auth.signUp.email(stranger({ email: "not-an-email" })),
      400,
      invalid("[body.email] Invalid email address"),
    );
  });

  test("refuses a password of 7 letters and takes one of 8", async () => {
    assertRefused(await attempt({ password: "1234567" }), 400, {
      message: "Password too short",
      code: "PASSWORD_TOO_SHORT",
    });
    assert.equal((await attempt({ password: "mupf-1-x" })).status, 200);
  });

  test("refuses a password of 129 letters and takes one of 128", async () => {
    assertRefused(await attempt({ password: "x".repeat(129) }), 400, {
      message: "Password too long",
      code: "PASSWORD_TOO_LONG",
    });
    assert.equal((await attempt({ password: "x".repeat(128) })).status, 200);
  });

  test("creates nobody", async () => {
    const person = stranger({ password: "short" });
    await post("/sign-up/email", person);
    assert.equal((await post("/sign-up/email", { ...person, password: "long-enough-1" })).status, 200);
  });

  test("signs nobody in", async () => {
    const browser = new Browser();
    await browser.auth.signUp.email(stranger({ password: "short" }));
    assertNoCookies(browser.jar);
    assert.equal((await get("/get-session")).text, "null");
  });
});
