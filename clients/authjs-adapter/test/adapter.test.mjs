// What the adapter asks and makes of answers, with a server that says anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModularAdapter, ModularError } from "../dist/index.js";
import { data, json, key, startServer } from "./support.mjs";

const ada = { id: "1", name: "Ada", email: "ada@example.com", emailVerified: "2026-01-02T03:04:05.678Z", image: null };
const adaRead = { ...ada, emailVerified: new Date("2026-01-02T03:04:05.678Z") };
const session = { sessionToken: "t".repeat(36), userId: "1", expires: "2026-02-02T03:04:05.006Z" };
const sessionRead = { ...session, expires: new Date("2026-02-02T03:04:05.006Z") };
const token = { identifier: "ada@example.com", token: "ab", expires: "2026-02-02T03:04:05.001Z" };
const tokenRead = { ...token, expires: new Date("2026-02-02T03:04:05.001Z") };
const account = { userId: "1", type: "oidc", provider: "p", providerAccountId: "7", access_token: "at", expires_at: 4102444800 };
const authenticator = {
  credentialID: "AQ+/", userId: "1", providerAccountId: "AQ+/", credentialPublicKey: "AQ==", counter: 4294967295,
  credentialDeviceType: "multiDevice", credentialBackedUp: true, transports: "usb,nfc",
};
const later = new Date("2026-02-02T03:04:05.006Z");

/** Every call: how it is made, where it goes, what it sends, what is answered, and what the application gets. */
const calls = {
  createUser: [[{ id: "x", name: "Ada", email: "ada@example.com", emailVerified: null, image: undefined, role: "admin", more: 1n }], "create-user", { name: "Ada", email: "ada@example.com", emailVerified: null }, ada, adaRead],
  getUser: [["1"], "get-user", { id: "1" }, ada, adaRead],
  getUserByEmail: [["ada@example.com"], "get-user-by-email", { email: "ada@example.com" }, ada, adaRead],
  getUserByAccount: [[{ provider: "p", providerAccountId: 7 }], "get-user-by-account", { provider: "p", providerAccountId: "7" }, ada, adaRead],
  updateUser: [[{ id: "1", name: undefined, image: null, emailVerified: later, role: "admin" }], "update-user", { id: "1", image: null, emailVerified: "2026-02-02T03:04:05.006Z" }, ada, adaRead],
  deleteUser: [["1"], "delete-user", { id: "1" }, null, null],
  linkAccount: [[{ ...account, providerAccountId: 7, expires_at: "4102444800.9", refresh_token_expires_in: 5 }], "link-account", account, {}, { ...account, providerAccountId: 7, expires_at: "4102444800.9", refresh_token_expires_in: 5 }],
  unlinkAccount: [[{ provider: "p", providerAccountId: 7 }], "unlink-account", { provider: "p", providerAccountId: "7" }, null, undefined],
  getAccount: [["7", "p"], "get-account", { provider: "p", providerAccountId: "7" }, account, account],
  createSession: [[sessionRead], "create-session", session, { ...session, expires: "2026-01-30T00:00:00.000Z" }, { ...session, expires: new Date("2026-01-30T00:00:00.000Z") }],
  getSessionAndUser: [[session.sessionToken], "get-session-and-user", { sessionToken: session.sessionToken }, { session, user: ada }, { session: sessionRead, user: adaRead }],
  updateSession: [[{ sessionToken: session.sessionToken, expires: later }], "update-session", { sessionToken: session.sessionToken, expires: later.toISOString() }, session, sessionRead],
  deleteSession: [[session.sessionToken], "delete-session", { sessionToken: session.sessionToken }, session, sessionRead],
  createVerificationToken: [[tokenRead], "create-verification-token", token, token, tokenRead],
  useVerificationToken: [[{ identifier: "ada@example.com", token: "ab" }], "use-verification-token", { identifier: "ada@example.com", token: "ab" }, token, tokenRead],
  getAuthenticator: [["AQ+/"], "get-authenticator", { credentialID: "AQ+/" }, authenticator, authenticator],
  createAuthenticator: [[{ ...authenticator, extra: 1 }], "create-authenticator", authenticator, authenticator, authenticator],
  listAuthenticatorsByUserId: [["1"], "list-authenticators", { userId: "1" }, [authenticator], [authenticator]],
  updateAuthenticatorCounter: [["AQ+/", 0], "update-authenticator-counter", { credentialID: "AQ+/", newCounter: 0 }, authenticator, authenticator],
};
/** For these the server may say that there is no such thing. */
const finders = ["getUser", "getUserByEmail", "getUserByAccount", "getAccount", "getSessionAndUser", "updateSession", "deleteSession", "useVerificationToken", "getAuthenticator"];
const quiet = ["deleteUser", "unlinkAccount", "linkAccount"];

test("the methods are the object's own, and need no `this`, as Auth.js takes them", async () => {
  const adapter = ModularAdapter({ baseUrl: "http://127.0.0.1:1", apiKey: key });
  assert.deepEqual(Object.keys(adapter).sort(), Object.keys(calls).sort());
  const { getUser } = Object.fromEntries(Object.entries(adapter).map(([name, method]) => [name, (...args) => method(...args)]));
  await assert.rejects(getUser("1"), ModularError);
});

for (const [name, [args, path, body, answer, expected]] of Object.entries(calls)) {
  test(`${name} asks and answers exactly what it should`, async (t) => {
    const server = await startServer(data(answer));
    t.after(server.stop);
    const method = ModularAdapter({ baseUrl: server.url, apiKey: key })[name];
    assert.deepStrictEqual(await method(...args), expected);
    const [{ method: verb, path: at, headers, body: sent }] = server.asked;
    assert.deepEqual([verb, at, sent], ["POST", `/api/adapter/${path}`, body]);
    assert.equal(headers.authorization, `Bearer ${key}`);
  });

  test(`${name} lets nothing out that the application does not ask for`, async (t) => {
    const more = (value) =>
      Array.isArray(value) ? value.map(more)
      : value && typeof value === "object" ? { ...Object.fromEntries(Object.entries(value).map(([k, v]) => [k, more(v)])), role: "admin", createdAt: "2026-01-01T00:00:00.000Z" }
      : value;
    const server = await startServer(data(more(answer)));
    t.after(server.stop);
    assert.deepStrictEqual(await ModularAdapter({ baseUrl: server.url, apiKey: key })[name](...args), expected);
  });

  test(`${name} ${finders.includes(name) ? "answers null where there is no such thing" : quiet.includes(name) ? "does not mind a null" : "rejects a null"}`, async (t) => {
    const server = await startServer(data(null));
    t.after(server.stop);
    const answered = ModularAdapter({ baseUrl: server.url, apiKey: key })[name](...args);
    if (finders.includes(name)) assert.strictEqual(await answered, null);
    else if (quiet.includes(name)) await answered;
    else await assert.rejects(answered, ModularError);
  });
}

test("a user who has neither name nor address nor picture has null for them", async (t) => {
  const nobody = { id: "1", name: null, email: null, emailVerified: null, image: null };
  const server = await startServer(data(nobody));
  t.after(server.stop);
  assert.deepStrictEqual(await ModularAdapter({ baseUrl: server.url, apiKey: key }).createUser({ email: undefined }), nobody);
});

test("a user may be named like a date, and stays a text", async (t) => {
  const named = { ...ada, name: "2026-01-02T03:04:05.678Z", image: "2026-01-02" };
  const server = await startServer(data(named));
  t.after(server.stop);
  const found = await ModularAdapter({ baseUrl: server.url, apiKey: key }).getUser("1");
  assert.deepEqual([found.name, found.image], [named.name, named.image]);
});

// Whoever would take one of these for "nobody" signs everybody out.
const faults = {
  "a server error": (_, response) => json(response, 500, { error: "Internal server error", code: "internal_error" }),
  "no database": (_, response) => json(response, 503, { error: "Service unavailable", code: "service_unavailable" }),
  "a wrong key": (_, response) => json(response, 401, { error: "Unauthorized", code: "unauthorized" }),
  "a refusal": (_, response) => json(response, 403, { error: "The user has been banned", code: "banned_user" }),
  "too many requests": (_, response) => json(response, 429, { error: "Too many requests", code: "too_many_requests" }),
  "routes that are off": (_, response) => json(response, 404, { error: "Not found", code: "not_found" }),
  "a proxy's page of 404": (_, response) => response.writeHead(404, { "content-type": "text/html" }).end("<h1>Not Found</h1>"),
  "an empty 404": (_, response) => response.writeHead(404).end(),
  "an empty 200": (_, response) => response.writeHead(200, { "content-type": "application/json" }).end(),
  "nothing at all": (_, response) => response.writeHead(204).end(),
  "a page with 200": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in to the Wi-Fi</html>"),
  "a null of somebody else": (_, response) => json(response, 200, "null"),
  "JSON of somebody else": (_, response) => json(response, 200, { data: null, errors: [{ message: "not here" }] }),
  "our null as text": (_, response) => response.writeHead(200, { "content-type": "text/plain" }).end('{"data":null}'),
  "our null with another status": (_, response) => json(response, 201, { data: null }),
  "malformed JSON": (_, response) => json(response, 200, '{"data":nul'),
  "a redirect": (_, response) => response.writeHead(302, { location: "/elsewhere" }).end(),
  "a cut connection": (request) => request.socket.destroy(),
  "an answer that breaks off": (request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "40" }).write('{"data":null');
    setTimeout(() => request.socket.destroy(), 20);
  },
  "an answer that never ends": (_, response) => void response.writeHead(200, { "content-type": "application/json" }).write('{"data":null'),
  silence: () => {},
};
for (const [fault, answer] of Object.entries(faults)) {
  test(`${fault} rejects, whatever was called`, async (t) => {
    const server = await startServer(answer);
    t.after(server.stop);
    const adapter = ModularAdapter({ baseUrl: server.url, apiKey: key, timeout: 150 });
    const outcomes = await Promise.allSettled(Object.entries(calls).map(([name, [args]]) => adapter[name](...args)));
    assert.deepEqual(outcomes.map(({ status, reason }) => [status, reason?.name]), outcomes.map(() => ["rejected", "ModularError"]));
  });
}

test("a server that is not there rejects", async () => {
  await assert.rejects(ModularAdapter({ baseUrl: "http://127.0.0.1:1", apiKey: key }).getSessionAndUser("x"), (error) => {
    assert.deepEqual([error.name, error.status, error.code], ["ModularError", undefined, undefined]);
    assert.ok(error.cause);
    return true;
  });
});

test("a refusal tells why, and no error tells what was sent", async (t) => {
  const server = await startServer((_, response) => json(response, 409, { error: "Another user has this e-mail address", code: "email_taken" }));
  t.after(server.stop);
  const adapter = ModularAdapter({ baseUrl: server.url, apiKey: key });
  await assert.rejects(adapter.createUser({ email: "secret@example.com" }), (error) => {
    assert.deepEqual([error.status, error.code, error.method], [409, "email_taken", "create-user"]);
    assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, /secret@example|0123456789abcdef/);
    return true;
  });
});

const strange = {
  "a user without an id": ["getUser", ["1"], { ...ada, id: undefined }],
  "a time that is none": ["getSessionAndUser", ["t"], { session: { ...session, expires: "soon" }, user: ada }],
  "a time that is a number": ["getSessionAndUser", ["t"], { session: { ...session, expires: 5 }, user: ada }],
  "a session without its user": ["getSessionAndUser", ["t"], { session, user: null }],
  "a list where one is asked for": ["getUser", ["1"], []],
  "one where a list is asked for": ["listAuthenticatorsByUserId", ["1"], authenticator],
  "a counter that is a text": ["getAuthenticator", ["A"], { ...authenticator, counter: "1" }],
  "an address that is no text": ["getUser", ["1"], { ...ada, email: 1 }],
};
for (const [what, [name, args, answer]] of Object.entries(strange)) {
  test(`${what} rejects`, async (t) => {
    const server = await startServer(data(answer));
    t.after(server.stop);
    await assert.rejects(ModularAdapter({ baseUrl: server.url, apiKey: key })[name](...args), ModularError);
  });
}

test("what is missing in the configuration is said at the first call, not when the application is built", async () => {
  await assert.rejects(ModularAdapter({ baseUrl: undefined, apiKey: key }).getUser("1"), /baseUrl is not set/);
  await assert.rejects(ModularAdapter({ baseUrl: "http://127.0.0.1:1", apiKey: undefined }).getUser("1"), /apiKey is not set/);
});

test("the server may be below a path, and the key may be one of the moment", async (t) => {
  const server = await startServer(data(null));
  t.after(server.stop);
  let asked = 0;
  const adapter = ModularAdapter({ baseUrl: `${server.url}/id/`, apiKey: async () => `${key}${++asked}` });
  await adapter.getUser("1");
  await adapter.getUser("1");
  assert.deepEqual(server.asked.map(({ path, headers }) => [path, headers.authorization]), [
    ["/id/api/adapter/get-user", `Bearer ${key}1`],
    ["/id/api/adapter/get-user", `Bearer ${key}2`],
  ]);
});

test("who asks is told to the server, in characters that a header can hold", async (t) => {
  const server = await startServer(data(null));
  t.after(server.stop);
  const visitors = [{ ipAddress: "203.0.113.9", userAgent: "Möbius\r\nX-Evil: 1" }, { ipAddress: null }, undefined];
  const adapter = ModularAdapter({
    baseUrl: server.url,
    apiKey: key,
    visitor: () => {
      if (visitors.length === 0) throw new Error("outside a request");
      return visitors.shift();
    },
  });
  for (let at = 0; at < 4; at++) await adapter.getUser("1");
  assert.deepEqual(server.asked.map(({ headers }) => [headers["x-visitor-ip"], headers["x-visitor-user-agent"], headers["x-evil"]]), [
    ["203.0.113.9", "M?bius??X-Evil: 1", undefined],
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
  ]);
});

test("another fetch is taken where one is given", async () => {
  const given = [];
  const adapter = ModularAdapter({
    baseUrl: "https://id.example.com",
    apiKey: key,
    fetch: async (url, init) => {
      given.push([String(url), init.redirect, init.cache]);
      return Response.json({ data: null });
    },
  });
  assert.equal(await adapter.getUser("1"), null);
  assert.deepEqual(given, [["https://id.example.com/api/adapter/get-user", "error", "no-store"]]);
});
