// One server on which recorded exchanges are played again: who holds which cookies, and what happened unrecorded.
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Bindings, allOf, parseCookie } from "./compare.mjs";

const mailSeconds = 10; // mails leave through the outbox, so a moment after the answer

export class Stage {
  bindings = new Bindings();
  #jars = new Map();
  // Signed cookies by the placeholder of their token, for exchanges that name a cookie by its value.
  #signed = new Map();

  /** `origin` is where the server believes to be (Auth:BaseUrl), `server` where it is reached. */
  constructor({ server, origin = server, prepared }) {
    Object.assign(this, { server, origin, prepared, aliases: prepared?.aliases(origin) ?? [] });
  }

  jar(actor) {
    if (!this.#jars.has(actor)) this.#jars.set(actor, new Map());
    return this.#jars.get(actor);
  }

  /** Plays a recorded exchange in its section's `place`; `overrides` are what the recording left out or cut away. */
  async play(exchange, actor, { recordedOrigin, lacks = [] }, overrides = {}) {
    const { method, path, headers, body } = exchange.request;
    const sent = Object.fromEntries(headers);
    if ("origin" in sent) sent.origin = sent.origin.replace(recordedOrigin, this.origin);
    if (body && !("content-type" in sent)) sent["content-type"] = "application/json";
    if ("cookie" in sent) sent.cookie = this.#cookie(sent.cookie, actor, lacks);
    for (const [name, given] of Object.entries(overrides.headers ?? {}))
      if (given === undefined) delete sent[name];
      else sent[name] = given;
    const answer = await this.send(method, overrides.path ?? this.bindings.resolve(path), {
      headers: sent,
      body: body ? (overrides.body?.(this, body) ?? this.bindings.resolve(body)) : undefined,
    });
    this.#keep(answer, actor, allOf(exchange.response, "set-cookie").map(parseCookie));
    return this.#asRecorded(answer);
  }

  /** Does what the recording does not show, as somebody with cookies of their own. */
  async act(actor, path, body, headers = {}) {
    const jar = this.jar(actor);
    const answer = await this.send(body === undefined ? "GET" : "POST", `/api/auth${path}`, {
      headers: {
        origin: this.origin,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(jar.size > 0 ? { cookie: line(jar) } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    this.#keep(answer, actor, []);
    return answer;
  }

  /** The newest mail to somebody that holds such a link: the link, as an address. */
  async mailedLink(to, path) {
    for (const deadline = Date.now() + mailSeconds * 1000; ; await sleep(100)) {
      const { status, body } = await this.send("GET", `/dev/mailbox?to=${encodeURIComponent(to)}`);
      const mails = status === 200 ? JSON.parse(body) : [];
      const links = mails
        .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
        .flatMap((mail) => mail.text.match(/https?:\/\/\S+/g) ?? [])
        .filter((link) => new URL(link).pathname.startsWith(`/api/auth/${path}`));
      if (links.length > 0) return new URL(links.at(-1));
      if (status !== 200 || Date.now() > deadline)
        throw new Error(`no mail with a link to ${path} for ${to} (the mailbox answers ${status})`);
    }
  }

  send(method, path, { headers = {}, body } = {}) {
    const { hostname, port } = new URL(this.server);
    return new Promise((resolve, reject) => {
      const request = http.request(
        { hostname, port, method, path, headers, agent: false, timeout: 60_000 },
        (response) => {
          const chunks = [];
          response.on("data", (chunk) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const raw = response.rawHeaders;
            resolve({
              status: response.statusCode,
              headers: raw.flatMap((name, at) => (at % 2 ? [] : [[name.toLowerCase(), raw[at + 1]]])),
              body: Buffer.concat(chunks).toString("utf8"),
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

  // Providers by the addresses that they had in the recording.
  #asRecorded(answer) {
    const renamed = (text) => this.aliases.reduce((known, [here, there]) => known.replaceAll(here, there), text);
    return {
      ...answer,
      headers: answer.headers.map(([name, text]) => [name, renamed(text)]),
      body: renamed(answer.body),
    };
  }

  // "(a, b)" are cookies by name out of the jar; anything else is a header with placeholders for signed values.
  #cookie(recorded, actor, lacks) {
    if (recorded.startsWith("(")) {
      const jar = this.jar(actor);
      const wanted = recorded
        .slice(1, -1)
        .split(", ")
        .filter((name) => !lacks.includes(name))
        .map((name) => this.#renamed(name, jar))
        .filter((name) => jar.has(name) || !/_multi-|last_used_login_method$/.test(name));
      const missing = wanted.filter((name) => !jar.has(name));
      if (missing.length > 0) throw new Error(`${actor} has no cookie ${missing.join(", ")}`);
      return wanted.map((name) => `${name}=${jar.get(name)}`).join("; ");
    }
    const { name, value } = parseCookie(recorded);
    if (!value.includes("…")) return recorded;
    const token = value.slice(0, value.indexOf("…") + 1);
    if (this.#signed.has(token)) return `${name}=${this.#signed.get(token)}`;
    // One character off a known one: the recording's own way of a forged cookie.
    const forged = [...this.#signed].find(([known]) => known.slice(0, 5) === token.slice(0, 5))?.[1];
    if (!forged) throw new Error(`no cookie is known for ${token}`);
    return `${name}=${forged.slice(0, 5)}${forged[5] === "X" ? "Y" : "X"}${forged.slice(6)}`;
  }

  // A multi-session cookie is named after its token, of which the recording tells four letters.
  #renamed(name, jar) {
    const [, stem, start] = /^(.*_multi-)(.*)…$/.exec(name) ?? [];
    if (!stem) return name;
    const known = this.bindings.startingWith(start).map((token) => stem + token.toLowerCase());
    return known.find((full) => jar.has(full)) ?? [...jar.keys()].find((full) => full.startsWith(stem)) ?? name;
  }

  #keep(answer, actor, recorded) {
    const jar = this.jar(actor);
    allOf(answer, "set-cookie").forEach((text) => {
      const { name: known, value, attributes } = parseCookie(text);
      const name = text.slice(0, text.indexOf("="));
      if (attributes.get("Max-Age") === "0") jar.delete(name);
      else jar.set(name, value);
      const was = recorded.find((cookie) => cookie.name === known)?.value ?? "";
      if (was.includes("….")) this.#signed.set(was.slice(0, was.indexOf("…") + 1), value);
    });
  }
}

const line = (jar) => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
