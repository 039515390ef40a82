// What every test file stands on: a browser (cookie jar, Origin, HttpOnly, one page), the bare wire, people to sign up,
// and the shapes that the contract promises.
import assert from "node:assert/strict";
import http from "node:http";
import { randomUUID } from "node:crypto";
import { createAuthClient } from "better-auth/client";

export const server = (process.env.MODULAR_URL || "http://localhost:5000").replace(/\/+$/, "");
export const origin = new URL(server).origin;

/** The suite also runs against the JavaScript server that it was checked with; these few answers differ by design. */
export const upstream = process.env.PROTOCOL_DIALECT === "upstream";
export const modularOnly = { skip: upstream && "differs from upstream by design" };

/** How long a remembered session lives, in seconds: 8 hours unless configured otherwise. */
export const sessionSeconds = Number(process.env.PROTOCOL_SESSION_SECONDS || 8 * 60 * 60);

// ---------------------------------------------------------------------------------------------------------- browser

const COOKIE_NAME = "better-auth.session_token";

/** The cookies of one origin, kept the way a browser keeps them. */
export class CookieJar {
  #cookies = new Map();

  store(setCookieLines) {
    for (const line of setCookieLines) {
      const [pair, ...attributes] = line.split(/;\s*/);
      const name = pair.slice(0, pair.indexOf("="));
      const value = pair.slice(pair.indexOf("=") + 1);
      const found = new Map(
        attributes.map((a) => {
          const [key, ...rest] = a.split("=");
          return [key.toLowerCase(), rest.join("=")];
        }),
      );
      const maxAge = found.has("max-age") ? Number(found.get("max-age")) : undefined;
      const expires = found.has("expires") ? Date.parse(found.get("expires")) : undefined;
      const until = maxAge !== undefined ? Date.now() + maxAge * 1000 : (expires ?? Infinity);
      if (until <= Date.now()) this.#cookies.delete(name);
      else this.#cookies.set(name, { value, until, httpOnly: found.has("httponly") });
    }
  }

  #alive() {
    return [...this.#cookies].filter(([, cookie]) => cookie.until > Date.now());
  }

  /** The Cookie header of the next request. */
  header() {
    return this.#alive()
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
  }

  /** What document.cookie would show to a script. */
  visibleToScripts() {
    return this.#alive()
      .filter(([, { httpOnly }]) => !httpOnly)
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
  }

  get(name) {
    return this.#alive().find(([found]) => found === name)?.[1].value;
  }

  get sessionCookie() {
    return this.get(COOKIE_NAME);
  }
}

/**
 * One browser with one profile. `auth` is the published client with nothing configured but its address; the fetch
 * beneath it does what a browser does by itself: it keeps cookies and says where a POST comes from.
 */
export class Browser {
  /** Every exchange so far: { method, path, status, headers, setCookie }. */
  exchanges = [];

  constructor({ jar = new CookieJar(), userAgent = "Mozilla/5.0 (X11; Linux x86_64) Protocol/1.0", plugins = [] } = {}) {
    this.jar = jar;
    this.userAgent = userAgent;
    this.auth = createAuthClient({
      baseURL: server,
      plugins,
      fetchOptions: { customFetchImpl: (url, init) => this.fetch(url, init) },
    });
  }

  async fetch(url, init = {}) {
    const target = new URL(url, origin);
    assert.equal(target.origin, origin, "the client stays on its own server");
    const headers = new Headers(init.headers);
    const method = (init.method ?? "GET").toUpperCase();
    headers.set("user-agent", this.userAgent);
    headers.set("sec-fetch-site", "same-origin");
    if (method !== "GET" && method !== "HEAD") headers.set("origin", origin);
    if (init.credentials !== "omit") {
      const cookies = await this.jar.header();
      if (cookies) headers.set("cookie", cookies);
    }
    const response = await fetch(target, { ...init, headers });
    const setCookie = response.headers.getSetCookie();
    if (init.credentials !== "omit") await this.jar.store(setCookie);
    this.exchanges.push({
      method,
      path: target.pathname,
      status: response.status,
      headers: response.headers,
      setCookie,
    });
    return response;
  }

  get last() {
    return this.exchanges.at(-1);
  }

  /** The headers of a request of this browser, for tests that go over the bare wire. */
  get headers() {
    return { origin, cookie: this.jar.header(), "user-agent": this.userAgent };
  }

  countOf(method, path) {
    return this.exchanges.filter((e) => e.method === method && e.path === `/api/auth${path}`).length;
  }
}

/**
 * Gives this process the few globals by which the client knows that it is in a page. `onStorageWrite` hears what a
 * page writes to localStorage; a browser tells it to the other tabs (and only to them).
 */
export function openPage({ onStorageWrite = () => {} } = {}) {
  const page = new EventTarget();
  page.location = { href: `${origin}/`, origin };
  const document = new EventTarget();
  document.visibilityState = "visible";
  const stored = new Map();
  globalThis.window = page;
  globalThis.document = document;
  globalThis.localStorage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, newValue) => {
      stored.set(key, String(newValue));
      onStorageWrite({ key, newValue: String(newValue) });
    },
    removeItem: (key) => stored.delete(key),
  };
  return {
    window: page,
    hearStorageOfOtherTab: (written) => page.dispatchEvent(Object.assign(new Event("storage"), written)),
    comeBackToTab: () => document.dispatchEvent(new Event("visibilitychange")),
  };
}

// ------------------------------------------------------------------------------------------------------------- wire

/** One request exactly as given: no header is added but Host, Connection and the length of the body. */
export function send(method, path, { headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const url = new URL(server);
    const request = http.request(
      {
        host: url.hostname,
        port: url.port || 80,
        method,
        path: `/api/auth${path}`,
        headers,
        agent: false,
        timeout: 120_000,
      },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: response.statusCode,
            headers: response.headers,
            setCookie: response.headers["set-cookie"] ?? [],
            text,
            get json() {
              return JSON.parse(text);
            },
          });
        });
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.on("error", reject);
    if (body !== undefined) request.setHeader("content-length", Buffer.byteLength(body));
    request.end(body);
  });
}

export const get = (path, headers) => send("GET", path, { headers });

/** POSTs JSON. A string goes out as it is, anything else is serialised. */
export const post = (path, body, headers = {}) =>
  send("POST", path, {
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

export const postForm = (path, fields, headers = {}) =>
  send("POST", path, {
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams(fields).toString(),
  });

// ----------------------------------------------------------------------------------------------------------- people

/** Somebody nobody has heard of yet. */
export function stranger(overrides = {}) {
  const id = randomUUID().replaceAll("-", "");
  return { name: `Ann ${id.slice(0, 6)}`, email: `ann.${id}@example.com`, password: `password-${id}`, ...overrides };
}

/** Signs somebody up in a browser of their own. */
export async function signedUp({ browser = new Browser(), ...overrides } = {}) {
  const person = stranger(overrides);
  const { data, error } = await browser.auth.signUp.email(person);
  assert.equal(error, null);
  return { browser, person, user: data.user, token: data.token };
}

/** Signs the same person in on one more device. */
export async function onAnotherDevice(person, options = {}) {
  const browser = new Browser(options);
  const { data, error } = await browser.auth.signIn.email({ email: person.email, password: person.password });
  assert.equal(error, null);
  return { browser, token: data.token };
}

export const isSignedIn = async (browser) =>
  (await get("/get-session", { cookie: browser.jar.header() })).json !== null;

// ----------------------------------------------------------------------------------------------------------- shapes

const CORE_USER = ["id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"];
const PLUGIN_USER = [
  "role",
  "banned",
  "banReason",
  "banExpires",
  "twoFactorEnabled",
  "username",
  "displayUsername",
  "isAnonymous",
  "lastLoginMethod",
];
const CORE_SESSION = ["id", "token", "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent"];
const PLUGIN_SESSION = ["impersonatedBy", "activeOrganizationId", "activeTeamId"];

const WIRE_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A date of the wire is ISO 8601 in UTC with milliseconds; the client has made a Date of it. */
const assertDate = (value, name) =>
  value instanceof Date
    ? assert.ok(Number.isFinite(value.getTime()), `${name} is a valid date`)
    : assert.match(value, WIRE_DATE, `${name} has milliseconds and a Z`);

function assertMembers(value, core, plugin, what) {
  for (const name of core) assert.ok(name in value, `${what} has ${name}`);
  for (const name of Object.keys(value))
    assert.ok([...core, ...plugin].includes(name), `${what} has no member ${name}`);
}

export function assertUser(user, expected = {}) {
  assertMembers(user, CORE_USER, PLUGIN_USER, "user");
  assert.ok(typeof user.id === "string" && user.id.length > 0);
  assert.equal(typeof user.name, "string");
  assert.equal(user.email, user.email.toLowerCase());
  assert.equal(typeof user.emailVerified, "boolean");
  assert.ok(user.image === null || typeof user.image === "string", "image is a string or null");
  assertDate(user.createdAt, "createdAt");
  assertDate(user.updatedAt, "updatedAt");
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(user[name], value, `user.${name}`);
}

export function assertSession(session, expected = {}) {
  assertMembers(session, CORE_SESSION, PLUGIN_SESSION, "session");
  for (const name of ["id", "token", "userId"])
    assert.ok(typeof session[name] === "string" && session[name].length > 0, `session.${name} is a string`);
  for (const name of ["expiresAt", "createdAt", "updatedAt"]) assertDate(session[name], name);
  for (const name of ["ipAddress", "userAgent"])
    assert.equal(typeof session[name], "string", `session.${name} is a string`);
  for (const name of PLUGIN_SESSION) if (name in session) assert.equal(session[name], null, `session.${name} is null`);
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(session[name], value, `session.${name}`);
}

/** 256 random bits here; 32 letters upstream. */
export const assertToken = (token) => assert.match(token, upstream ? /^[A-Za-z0-9]{32}$/ : /^[A-Za-z0-9_-]{43,}$/);

/** A refusal over the bare wire: status and body, nothing else in it. */
export function assertRefused(answer, status, body) {
  assert.equal(answer.status, status, `${answer.status} instead of ${status}: ${answer.text}`);
  assert.match(answer.headers["content-type"], /^application\/json\b/);
  assert.deepEqual(answer.json, body);
}

/** A refusal as the client reports it: data null, error = body, status and reason phrase. */
export function assertClientRefused({ data, error }, status, body) {
  assert.equal(data, null);
  assert.ok(error, "the client reports an error");
  const { status: found, statusText, ...rest } = error;
  assert.equal(found, status);
  assert.equal(typeof statusText, "string");
  assert.deepEqual(rest, body);
}

export const UNAUTHORIZED = { message: "Unauthorized", code: "UNAUTHORIZED" };
export const MISSING_ORIGIN = { message: "Missing or null Origin", code: "MISSING_OR_NULL_ORIGIN" };
export const INVALID_ORIGIN = { message: "Invalid origin", code: "INVALID_ORIGIN" };
export const WRONG_CREDENTIALS = { message: "Invalid email or password", code: "INVALID_EMAIL_OR_PASSWORD" };
export const EMAIL_TAKEN = {
  message: "User already exists. Use another email.",
  code: "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
};
export const invalid = (message) => ({ message, code: "VALIDATION_ERROR" });

/** The value of a signed cookie is encodeURIComponent(value + "." + base64 of an HMAC-SHA256). */
const SIGNED = "[^;.%]+\\.[A-Za-z0-9%]+%3D";
const ATTRIBUTES = "Path=/; HttpOnly; SameSite=Lax";

/** Set-Cookie of a remembered session, to the letter and in the contract's order of attributes. */
export function assertRemembered(setCookie) {
  assert.equal(setCookie.length, 1, `one cookie, not ${setCookie.join(" | ")}`);
  assert.match(
    setCookie[0],
    new RegExp(`^better-auth\\.session_token=${SIGNED}; Max-Age=${sessionSeconds}; ${ATTRIBUTES}$`),
  );
}

/** Set-Cookie of a session that ends with the browser. */
export function assertNotRemembered(setCookie) {
  assert.equal(setCookie.length, 2, `two cookies, not ${setCookie.join(" | ")}`);
  assert.match(setCookie[0], new RegExp(`^better-auth\\.session_token=${SIGNED}; ${ATTRIBUTES}$`));
  assert.match(setCookie[1], new RegExp(`^better-auth\\.dont_remember=true\\.[A-Za-z0-9%]+%3D; ${ATTRIBUTES}$`));
}

export const assertCookiesCleared = (setCookie) =>
  assert.deepEqual(setCookie, [
    `better-auth.session_token=; Max-Age=0; ${ATTRIBUTES}`,
    `better-auth.session_data=; Max-Age=0; ${ATTRIBUTES}`,
    `better-auth.dont_remember=; Max-Age=0; ${ATTRIBUTES}`,
  ]);

export function assertNotFound(answer) {
  assert.equal(answer.status, 404);
  assert.equal(answer.text, "");
  assert.equal(answer.headers["content-type"], undefined);
}
