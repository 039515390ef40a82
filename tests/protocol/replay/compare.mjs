// Compares an answer with the recorded one: status, the headers that a client reads, cookies, body.
//
// The recording cuts ids and secrets to six characters and "…". Such a placeholder stands for one live value, always
// the same one, and two placeholders never for the same: so "the token in the body is the one in the cookie" and "the
// user is the one from before" are compared although no value is known.

/** The headers that are compared. Whatever else an answer carries (Date, security headers) is the Host's own affair. */
const HEADERS = [
  "content-type",
  "cache-control",
  "pragma",
  "x-retry-after",
  "set-auth-token",
  "set-auth-jwt",
  "access-control-expose-headers",
];

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const MULTI = "better-auth.session_token_multi-";
const PLUGIN_COOKIE = /_multi-…$|\.last_used_login_method$/;
const CUT_JWT = /^eyJ[\w-]+…\.eyJ[\w-]+…\.[\w-]+…$/;
const JWT = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{86}$/;
const SIGNATURE = /^[A-Za-z0-9+/]{43}=$/;

/** What recorded placeholders stand for on a running server. */
export class Bindings {
  #live = new Map();
  #recorded = new Map();

  /** Whether `live` may be what `recorded` stands for; remembers it if neither was seen before. */
  agree(recorded, live, kind = "") {
    const [here, there] = [`${kind}${recorded}`, `${kind}${live}`];
    if (!this.#live.has(here) && !this.#recorded.has(there)) {
      this.#live.set(here, live);
      this.#recorded.set(there, recorded);
    }
    return this.#live.get(here) === live && this.#recorded.get(there) === recorded;
  }

  /** Like `agree`, but several recorded values may have become one: two times within a millisecond. */
  follows(recorded, live, kind) {
    const key = `${kind}${recorded}`;
    if (!this.#live.has(key)) this.#live.set(key, live);
    return this.#live.get(key) === live;
  }

  /** What `recorded` stands for from now on, since it was replaced unrecorded. */
  rebind(recorded, live) {
    this.#recorded.delete(this.#live.get(recorded));
    this.#live.set(recorded, live);
    this.#recorded.set(live, recorded);
  }

  get(recorded) {
    return this.#live.get(recorded);
  }

  /** The live values of placeholders that begin so, in any case. */
  startingWith(start) {
    return [...this.#live].filter(([recorded]) => recorded.toLowerCase().startsWith(start)).map(([, live]) => live);
  }

  /** Replaces every known placeholder in a text of a request; says which one is not known. */
  resolve(text) {
    return text.replace(/[A-Za-z0-9_-]{6}…/g, (placeholder) => {
      if (!this.#live.has(placeholder)) throw new Error(`nothing is known that ${placeholder} could stand for`);
      return this.#live.get(placeholder);
    });
  }
}

/** Every difference as `{ at, recorded, live }`, both sides as text; undefined when a side has nothing there. */
export function compare(recorded, live, { bindings, recordedOrigin, origin }) {
  const differences = [];
  const report = (at, was, is) => differences.push({ at, recorded: show(was), live: show(is) });
  const local = (text) => text.replaceAll(recordedOrigin, origin);

  if (recorded.status !== live.status) report("status", recorded.status, live.status);
  for (const name of recorded.isBare ? [] : HEADERS) {
    const [was, is] = [headerOf(recorded, name), headerOf(live, name)];
    if (was === is || (was && is && (isSameHeader(name, was, is) || isTimeLeft(name, was, is)))) continue;
    report(`header ${name}${recorded.body || live.body ? "" : " (empty body)"}`, was, is);
  }
  const [wasAt, isAt] = [headerOf(recorded, "location"), headerOf(live, "location")];
  if (wasAt === undefined || isAt === undefined) {
    if (wasAt !== isAt) report("location", wasAt, isAt);
  } else address(wasAt, isAt, "location");
  if (!recorded.isBare) cookies(allOf(recorded, "set-cookie"), allOf(live, "set-cookie"));
  body();
  return differences;

  function body() {
    if (recorded.body === "(an html page)") {
      if (!/^<!doctype html>/i.test(live.body)) report("body", recorded.body, live.body);
      return;
    }
    const [was, is] = [json(recorded.body), json(live.body)];
    if (was === undefined || is === undefined) {
      if (recorded.body !== live.body) report("body", recorded.body, live.body);
    } else value(was, is, "body");
  }

  function value(was, is, at) {
    if (Array.isArray(was) && Array.isArray(is)) {
      if (was.length !== is.length) report(`${at}.length`, was.length, is.length);
      was.slice(0, is.length).forEach((item, index) => value(item, is[index], `${at}[${index}]`));
    } else if (isObject(was) && isObject(is)) members(was, is, at);
    else if (typeof was === "string" && typeof is === "string") {
      if (/^https?:/.test(was)) address(was, is, at);
      else if (!text(was, is, at)) report(at, was, is);
    } else if (was !== is) report(at, was, is);
  }

  function members(was, is, at) {
    const name = was.id ?? at;
    for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
      const here = `${at}.${key}`;
      if (!(key in was) || !(key in is)) report(here, was[key], is[key]);
      else if (typeof was[key] === "string" && DATE.test(was[key])) time(was[key], is[key], here, `${name}.${key}: `);
      else value(was[key], is[key], here);
    }
    if (was.createdAt && was.updatedAt && is.createdAt && is.updatedAt) {
      const changed = (row) => (row.createdAt === row.updatedAt ? "never updated" : "updated");
      if (changed(was) !== changed(is)) report(`${at} (updated)`, changed(was), changed(is));
    }
    if (was.expiresAt && is.expiresAt && was.updatedAt && is.updatedAt)
      if (life(was) !== life(is)) report(`${at} (seconds to live)`, life(was), life(is));
  }

  function time(was, is, at, kind) {
    if (typeof is !== "string" || !DATE.test(is)) report(at, "a date of the wire", is);
    else if (!bindings.follows(was, is, kind)) report(at, `the same ${was} as before`, `another ${is}`);
  }

  /** Whether two texts are the same but for placeholders; a text with one inside is compared around it. */
  function text(was, is) {
    if (!was.includes("…")) return was === is;
    if (CUT_JWT.test(was)) return JWT.test(is);
    const pieces = was.split(/([A-Za-z0-9_.+%~-]*…)/);
    const pattern = pieces.map((piece, index) => (index % 2 ? "(.+)" : escape(piece))).join("");
    const found = new RegExp(`^${pattern}$`, "s").exec(is);
    return found !== null && pieces.filter((_, index) => index % 2).every((cut, index) => known(cut, found[index + 1]));
  }

  // The six characters may be the start of something known ("https:…") or of something random.
  function known(cut, is) {
    const start = cut.slice(0, -1);
    return is.startsWith(start) || (!/[%+:]/.test(start) && bindings.agree(cut, is));
  }

  function address(was, is, at) {
    const [one, other] = [split(local(was)), split(is)];
    if (!text(one.path, other.path)) report(`${at} path`, one.path, other.path);
    for (const key of new Set([...one.query.keys(), ...other.query.keys()])) {
      const [wanted, found] = [one.query.get(key), other.query.get(key)];
      if (wanted === undefined || found === undefined || !text(wanted, found)) report(`${at} ?${key}`, wanted, found);
    }
    const order = (parts) => [...parts.query.keys()].filter((key) => one.query.has(key) && other.query.has(key)).join("&");
    if (order(one) !== order(other)) report(`${at} (order)`, order(one), order(other));
  }

  function cookies(was, is) {
    const before = was.map(parseCookie);
    const [now, more] = [[], []];
    for (const cookie of is.map(parseCookie))
      (PLUGIN_COOKIE.test(cookie.name) && !before.some(({ name }) => name === cookie.name) ? more : now).push(cookie);
    for (const { name, value } of more) report(`cookie ${name}`, undefined, value);
    const names = (list) => list.map((cookie) => cookie.name).join(", ") || undefined;
    if (names(before) !== names(now)) report("set-cookie", names(before), names(now));
    const left = [...now];
    for (const cookie of before) {
      const at = left.findIndex((other) => other.name === cookie.name);
      if (at < 0) continue;
      const [other] = left.splice(at, 1);
      if (!cookieValue(cookie.value, other.value)) report(`cookie ${cookie.name}`, cookie.value, other.value);
      attributes(cookie, other);
    }
  }

  function attributes(was, is) {
    const order = (cookie) => [...cookie.attributes.keys()].join("; ");
    if (order(was) !== order(is)) report(`cookie ${was.name} attributes`, order(was), order(is));
    for (const [key, wanted] of was.attributes)
      if (is.attributes.has(key) && is.attributes.get(key) !== wanted)
        report(`cookie ${was.name} ${key}`, wanted, is.attributes.get(key));
  }

  // The signed value of the session's cookie, decoded; or what any header may be.
  function isSameHeader(name, was, is) {
    return name === "set-auth-token" ? cookieValue(`${was}%3D`, encodeURIComponent(is)) : text(local(was), is);
  }

  function cookieValue(was, is) {
    const dot = was.lastIndexOf(".");
    if (dot < 0 || !was.endsWith("%3D")) return text(was, is);
    const signed = decodeURIComponent(is);
    const liveDot = signed.lastIndexOf(".");
    const [token, signature] = [signed.slice(0, liveDot), signed.slice(liveDot + 1)];
    const cut = was.slice(dot + 1);
    // Cut where it was encoded, so that it has other letters than the same signature in a header.
    const [kind, shown] = cut.replace(/%3D$/, "").includes("%") ? ["encoded signature", encodeURIComponent(signature)] : ["signature", signature];
    return (
      encodeURIComponent(signed) === is &&
      SIGNATURE.test(signature) &&
      text(was.slice(0, dot), token) &&
      bindings.agree(cut, shown, `${kind} of ${token}: `)
    );
  }
}

export function parseCookie(line) {
  const [pair, ...rest] = line.split("; ");
  // The recording cuts the long name of a multi-session cookie together with its "=".
  const cut = /^(__Secure-)?better-auth\.sessio…(.*)$/.exec(pair);
  const at = pair.indexOf("=");
  return {
    name: cut ? `${cut[1] ?? ""}${MULTI}…` : pair.slice(0, at).replace(/(_multi-).+$/, "$1…"),
    value: cut ? cut[2] : pair.slice(at + 1),
    attributes: new Map(
      rest.map((attribute) => {
        const [key, ...given] = attribute.split("=");
        return [key, given.join("=")];
      }),
    ),
  };
}

export const allOf = (message, name) => message.headers.filter(([key]) => key === name).map(([, given]) => given);
const headerOf = (message, name) => allOf(message, name)[0];
// Whole seconds of what is left of a window, of which the requests before may have taken some.
const isTimeLeft = (name, was, is) => name === "x-retry-after" && /^[1-9]\d*$/.test(is) && Number(is) <= Number(was);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const life = (row) => Math.round((Date.parse(row.expiresAt) - Date.parse(row.updatedAt)) / 1000);
const escape = (literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const show = (value) => (value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value));

// By hand: an address of the recording may be cut in the middle, which URL would encode.
function split(address) {
  const [path, query = ""] = address.split(/\?(.*)/s);
  return { path, query: new Map(query.split("&").filter(Boolean).map((pair) => pair.split(/=(.*)/s))) };
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
