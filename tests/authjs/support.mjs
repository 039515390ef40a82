// What every test file stands on: an application built on Auth.js, the network between it and Modular, a browser, a provider,
// and a look at the database.
import { AsyncLocalStorage } from "node:async_hooks";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ExpressAuth, getSession } from "@auth/express";
import { ModularAdapter } from "@modular/authjs-adapter";
import express from "express";
import { Provider } from "oidc-provider";
import pg from "pg";

export const modular = process.env.MODULAR_URL;
export const apiKey = process.env.ADAPTER_KEY;
export const agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0";

// Here, where it belongs to the whole file: within a hook or a test it would run when that ends.
const closers = [];
after(() => Promise.all(closers.map((close) => close())));

async function listen(handler) {
  const server = http.createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://localhost:${server.address().port}`;
}

// ------------------------------------------------------------------------------------------------------- the network

/** Stands between the application and Modular, and passes everything on unless told what happens to a call. */
export async function startNetwork() {
  const network = { calls: [], fault: undefined };
  network.url = await listen(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const method = request.url.slice("/api/adapter/".length);
    network.calls.push(method);
    if (network.fault?.(method, request, response)) return;
    const answer = await fetch(modular + request.url, {
      method: request.method,
      headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !["host", "connection", "content-length"].includes(name))),
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end(Buffer.from(await answer.arrayBuffer()));
  });
  return network;
}

export const faults = {
  "a server error": (response) => response.writeHead(500, { "content-type": "application/json" }).end('{"error":"x","code":"internal_error"}'),
  "no database": (response) => response.writeHead(503, { "content-type": "application/json" }).end('{"error":"x","code":"service_unavailable"}'),
  "another key": (response) => response.writeHead(401, { "content-type": "application/json" }).end('{"error":"x","code":"unauthorized"}'),
  "a wall": (response) => response.writeHead(403).end("Forbidden"),
  "too many requests": (response) => response.writeHead(429, { "retry-after": "1" }).end(),
  "a proxy's page of 404": (response) => response.writeHead(404, { "content-type": "text/html" }).end("<h1>404</h1>"),
  "a page with 200": (response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>"),
  "a null of somebody else": (response) => response.writeHead(200, { "content-type": "application/json" }).end("null"),
  "malformed JSON": (response) => response.writeHead(200, { "content-type": "application/json" }).end('{"data":nul'),
  "a cut connection": (response) => response.socket.destroy(),
  silence: () => {},
};

// --------------------------------------------------------------------------------------------------- the application

const requests = new AsyncLocalStorage();

/** An Express application whose users are Modular's. `config` is Auth.js's own. */
export async function startApplication({ network, ...config }) {
  const mails = [];
  const events = [];
  const problems = [];
  const adapter = ModularAdapter({ baseUrl: network.url, apiKey, timeout: 1000, visitor: () => requests.getStore() });
  const auth = {
    adapter,
    secret: "a secret of the application",
    trustHost: true,
    session: { strategy: "database" },
    events: Object.fromEntries(
      ["createUser", "updateUser", "linkAccount", "signIn", "signOut"].map((name) => [name, (message) => void events.push([name, message])]),
    ),
    logger: { error: (error) => void problems.push(error), warn: () => {}, debug: () => {} },
    ...config,
  };
  const mail = {
    id: "mail",
    type: "email",
    name: "Mail",
    from: "app@example.com",
    maxAge: 24 * 60 * 60,
    sendVerificationRequest: ({ identifier, url }) => void mails.push({ to: identifier, url }),
  };
  auth.providers = [...(config.providers ?? []), mail];
  const app = express();
  app.use((request, _, next) => requests.run({ ipAddress: request.headers["x-test-ip"] ?? "203.0.113.7", userAgent: request.headers["user-agent"] }, next));
  app.use("/auth/*", ExpressAuth(auth));
  // As pages ask: the cookies of the answer do not reach the browser.
  app.get("/whoami", async (request, response) => response.json(await getSession(request, { ...auth, basePath: "/auth" })));
  app.get("/", (_, response) => response.end("home"));
  return { url: await listen(app), adapter, mails, events, problems };
}

// ------------------------------------------------------------------------------------------------------- the browser

export class Browser {
  #jars = new Map();

  constructor(application) {
    this.application = application;
  }

  jar(url) {
    const { origin } = new URL(url);
    if (!this.#jars.has(origin)) this.#jars.set(origin, new Map());
    return this.#jars.get(origin);
  }

  get sessionToken() {
    return this.jar(this.application.url).get("authjs.session-token");
  }

  set sessionToken(value) {
    this.jar(this.application.url).set("authjs.session-token", value);
  }

  async fetch(url, init = {}) {
    const target = new URL(url, this.application.url);
    const jar = this.jar(target);
    const headers = new Headers(init.headers);
    headers.set("user-agent", agent);
    headers.set("cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await fetch(target, { redirect: "manual", ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(/;\s*/);
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      const text = attributes.join(";").toLowerCase();
      const expires = /expires=([^;]+)/.exec(text)?.[1];
      if (value === "" || /max-age=0/.test(text) || (expires && Date.parse(expires) <= Date.now())) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** The body of GET /auth/session. */
  async session() {
    const response = await this.fetch("/auth/session");
    return response.json();
  }

  async csrf() {
    return (await (await this.fetch("/auth/csrf")).json()).csrfToken;
  }

  /** A form of Auth.js's own pages, as its clients send it; answers where it leads. */
  async post(path, fields = {}) {
    const body = new URLSearchParams({ csrfToken: await this.csrf(), callbackUrl: "/", ...fields });
    const response = await this.fetch(path, { method: "POST", body, headers: { "x-auth-return-redirect": "1" } });
    return (await response.json()).url;
  }

  /** Follows redirects and fills in the provider's pages as `login`, until the application has answered for good. */
  async follow(url, login) {
    let [at, init] = [new URL(url, this.application.url), {}];
    for (let hop = 0; hop < 20; hop++) {
      if (at.origin === new URL(this.application.url).origin && !at.pathname.startsWith("/auth/callback/")) return at;
      const response = await this.fetch(at, init);
      const location = response.headers.get("location");
      if (location !== null) {
        [at, init] = [new URL(location, at), {}];
        continue;
      }
      const page = await response.text();
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
      if (!action) throw new Error(`${at}: ${response.status} ${page.slice(0, 500)}`);
      const hidden = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
      [at, init] = [new URL(action, at), { method: "POST", body: new URLSearchParams([...hidden, ["login", login], ["password", "x"]]) }];
    }
    throw new Error(`no end at ${at}`);
  }

  /** As `login`, whoever was signed in at the provider before. */
  async signInAt(provider, login) {
    for (const origin of this.#jars.keys()) if (origin !== new URL(this.application.url).origin) this.#jars.delete(origin);
    return this.follow(await this.post(`/auth/signin/${provider}`), login);
  }

  /** Signs in by a link from a mail; answers where that leads. */
  async signInByMail(email) {
    await this.post("/auth/signin/mail", { email });
    return this.follow(this.application.mails.findLast(({ to }) => to === email.toLowerCase()).url);
  }

  async signOut() {
    return this.post("/auth/signout");
  }
}

// ------------------------------------------------------------------------------------------------------ the provider

/** OpenID Connect; whoever signs in as `login` has the address login@example.com, unless `people` knows better. */
export async function startProvider() {
  const people = new Map();
  let provider;
  const issuer = await listen((request, response) => provider.callback()(request, response));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const clients = [];
  const start = () => {
    provider = new Provider(issuer, {
      clients,
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
      conformIdTokenClaims: false,
      cookies: { keys: [randomUUID()] },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.com`, name: `Person ${id}`, picture: "https://pictures.example.com/1.png", ...people.get(id) }),
      }),
      jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] },
      ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
      features: { devInteractions: { enabled: true } },
    });
  };
  return {
    people,
    /** Auth.js's side of it; the application's address is known only once it listens. */
    client: (id, more = {}) => ({ id, name: id, type: "oidc", issuer, clientId: `app-${id}`, clientSecret: "a secret of the client", ...more }),
    knows: (application, ...ids) => {
      for (const id of ids)
        clients.push({
          client_id: `app-${id}`,
          client_secret: "a secret of the client",
          redirect_uris: [`${application.url}/auth/callback/${id}`],
          grant_types: ["authorization_code"],
          response_types: ["code"],
        });
      start();
    },
  };
}

// ------------------------------------------------------------------------------------------------------ the database

let pool;
function database() {
  if (pool) return pool;
  const home = [join(process.env.MODULAR_DATA, "postgres"), process.env.MODULAR_DATA].find((folder) => existsSync(join(folder, "port")));
  const read = (name) => readFileSync(join(home, name), "utf8").trim();
  pool = new pg.Pool({ host: "127.0.0.1", port: Number(read("port")), user: "modular", password: read("password"), database: "modular", max: 2 });
  pool.on("error", () => {}); // the Host may stop first
  closers.push(() => pool.end());
  return pool;
}

export const sql = async (query, ...parameters) => (await database().query(query, parameters)).rows;

/** A user's entries in the log, oldest first, once there are as many: what is sealed is sealed a moment later. */
export async function entriesOf(userId, count) {
  for (let tries = 0; ; tries++) {
    const rows = await sql(
      "select type, actor, host(ip) as ip, user_agent as agent, reason from audit.search where subject = $1 order by position",
      userId,
    );
    if (rows.length >= count || tries > 100) return rows;
    await sleep(100);
  }
}

export const newLogin = () => `p${randomUUID().replaceAll("-", "").slice(0, 12)}`;
export const userOf = async (email) => (await sql("select * from identity.mt_doc_user where email = $1", email))[0];
