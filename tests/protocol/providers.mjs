// Two OpenID Connect providers on ports of this machine, and the browser that visits them: a real one (oidc-provider)
// and one that lies on request. Their addresses are configured before the server starts; see run.mjs.
import { createHmac, createPrivateKey, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { Provider } from "oidc-provider";
import { CookieJar, origin, server } from "./support.mjs";

/** What the server was told: { real, liar, down }, each { issuer, clientId, clientSecret }; null: nothing. */
export const providers = process.env.PROTOCOL_PROVIDERS ? JSON.parse(process.env.PROTOCOL_PROVIDERS) : null;

const callback = (id) => `${server}/api/auth/callback/${id}`;

async function listen(handler, issuer) {
  const listening = http.createServer(handler).listen(Number(new URL(issuer).port), "127.0.0.1");
  await once(listening, "listening");
  return {
    close: () =>
      new Promise((resolve) => {
        listening.close(resolve);
        listening.closeAllConnections();
      }),
  };
}

// ------------------------------------------------------------------------------------------------------- a real one

/** People whom the real provider knows by more than their login. */
export const knownToProvider = new Map();

/** Starts oidc-provider with its own login and consent pages; whatever is typed as login is who one is. */
export async function startRealProvider() {
  const { issuer, clientId, clientSecret } = providers.real;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [callback("real")],
        post_logout_redirect_uris: [`${origin}/bye`],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
    cookies: { keys: [randomUUID()] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.com`,
        email_verified: true,
        name: `Person ${id}`,
        picture: "https://pictures.example.com/1.png",
        ...knownToProvider.get(id),
      }),
    }),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "real-1", alg: "RS256", use: "sig" }] },
    pkce: { required: () => true },
    // The old token is dead as soon as it is used: whoever loses the new one has lost the grant.
    rotateRefreshToken: true,
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    features: { devInteractions: { enabled: true } },
  });
  return { provider, ...(await listen(provider.callback(), issuer)) };
}

// --------------------------------------------------------------------------------------------------------- the liar

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** An issuer that signs everybody in at once and tells the lie that `login_hint` asks for: `lie=…&email=…`. */
export async function startLiar() {
  const { issuer, clientId } = providers.liar;
  const [own, other] = [0, 1].map(() => generateKeyPairSync("rsa", { modulusLength: 2048 }));
  const publicKey = own.publicKey.export({ format: "jwk" });
  const codes = new Map();
  const seen = { tokenRequests: 0, keyRequests: 0 };

  const sign = (payload, { key = own.privateKey, kid = "liar-1", alg = "RS256" } = {}) => {
    const signed = `${encode({ alg, kid, typ: "JWT" })}.${encode(payload)}`;
    if (alg === "none") return `${signed}.`;
    const signature =
      alg === "HS256"
        ? createHmac("sha256", own.publicKey.export({ format: "pem", type: "spki" })).update(signed).digest("base64url")
        : createSign("RSA-SHA256").update(signed).sign(createPrivateKey(key.export({ format: "pem", type: "pkcs8" })), "base64url");
    return `${signed}.${signature}`;
  };

  const idToken = ({ lie, email, sub, nonce }) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: clientId, sub, iat: now, exp: now + 300, nonce, email, email_verified: lie !== "unverified", name: "Liar" };
    switch (lie) {
      case "wrong nonce": return sign({ ...claims, nonce: "another" });
      case "no nonce": return sign({ ...claims, nonce: undefined });
      case "wrong issuer": return sign({ ...claims, iss: `${issuer}/` });
      case "wrong audience": return sign({ ...claims, aud: "somebody-else" });
      case "expired": return sign({ ...claims, iat: now - 7200, exp: now - 3600 });
      case "unsigned": return sign(claims, { alg: "none" });
      case "wrong key": return sign(claims, { key: other.privateKey });
      case "unknown key": return sign(claims, { key: other.privateKey, kid: "liar-2" });
      case "public key as secret": return sign(claims, { alg: "HS256" });
      case "wrong token hash": return sign({ ...claims, at_hash: "AAAAAAAAAAAAAAAAAAAAAA" });
      case "no id token": return undefined;
      case "other userinfo": return sign({ ...claims, email: undefined, email_verified: undefined });
      default: return sign(claims);
    }
  };

  const answerToken = async (request, respond) => {
    seen.tokenRequests++;
    let body = "";
    for await (const chunk of request) body += chunk;
    const grant = codes.get(new URLSearchParams(body).get("code"));
    if (!grant || grant.used) return respond(400, { error: "invalid_grant" });
    grant.used = grant.lie !== "code for ever";
    const tokens = { access_token: randomUUID(), token_type: "Bearer", expires_in: 60, id_token: idToken(grant) };
    switch (grant.lie) {
      case "crash": return request.socket.destroy();
      case "silence": return undefined;
      case "500": return respond(500, { error: "server_error" });
      case "page": return respond(200, "<html>");
      case "elsewhere": return respond(302, "", { location: `${issuer}/keys` });
      case "flood": return respond(200, "x".repeat(2_000_000));
      default: return respond(200, tokens);
    }
  };

  const handle = async (request, response) => {
    const url = new URL(request.url, issuer);
    const respond = (status, body, headers = {}) =>
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(typeof body === "string" ? body : JSON.stringify(body));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return respond(200, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/me`,
          jwks_uri: `${issuer}/keys`,
          token_endpoint_auth_methods_supported: ["client_secret_post"],
          authorization_response_iss_parameter_supported: true,
        });
      case "/keys":
        seen.keyRequests++;
        return respond(200, { keys: [{ ...publicKey, kid: "liar-1", use: "sig" }] });
      case "/authorize": {
        const query = url.searchParams;
        const wish = new URLSearchParams(query.get("login_hint") ?? "");
        const code = randomUUID();
        const [lie, email] = [wish.get("lie"), wish.get("email") ?? `${randomUUID()}@example.com`];
        codes.set(code, { lie, email, sub: wish.get("sub") ?? email, nonce: query.get("nonce"), used: false });
        const back = new URL(query.get("redirect_uri"));
        back.searchParams.set("code", code);
        back.searchParams.set("state", lie === "tampered state" ? `${query.get("state")}x` : query.get("state"));
        if (lie !== "no iss") back.searchParams.set("iss", lie === "iss of another" ? "https://other.example.com" : issuer);
        return respond(302, "", { location: back.href });
      }
      case "/token":
        return answerToken(request, respond);
      case "/me":
        return respond(200, { sub: "somebody else", email: "victim@example.com", email_verified: true });
      default:
        return respond(404, {});
    }
  };
  return { seen, ...(await listen(handle, issuer)) };
}

// ------------------------------------------------------------------------------------------------------ the browser

/**
 * What happens in the window that a sign-in opens: follows redirects, fills in the provider's pages as `login`, and
 * stops where the server sends the browser on to the application. `at` is the address where it stopped.
 */
export async function visit(browser, url, { login, cancel = false, jar = new CookieJar() } = {}) {
  const trail = [];
  let [at, init] = [new URL(url), {}];
  for (let hop = 0; hop < 20; hop++) {
    trail.push(at.href);
    const isOurs = at.origin === origin;
    if (isOurs && !at.pathname.startsWith("/api/auth/callback/")) return { at, trail };
    const response = isOurs ? await browser.fetch(at, { ...init, redirect: "manual" }) : await fetchAs(jar, at, init);
    const location = response.headers.get("location");
    if (location !== null) {
      [at, init] = [new URL(location, at), {}];
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
    if (!action) throw new Error(`${at} is neither a redirect nor a form: ${response.status} ${page.slice(0, 500)}`);
    if (cancel) {
      [at, init] = [new URL(/href="([^"]+\/abort)"/.exec(page)[1], at), {}];
      continue;
    }
    const fields = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
    const body = new URLSearchParams([...fields, ["login", login], ["password", "anything"]]);
    [at, init] = [new URL(action, at), { method: "POST", body }];
  }
  throw new Error(`no end: ${trail.join("\n")}`);
}

async function fetchAs(jar, url, init) {
  const response = await fetch(url, { ...init, redirect: "manual", headers: { cookie: jar.header() } });
  jar.store(response.headers.getSetCookie());
  return response;
}
