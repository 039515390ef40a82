// An OpenID Connect issuer that stands for a provider of the recording: it knows by code or by hint who comes, and says
// of them what the recorded provider said.
import { createSign, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import http from "node:http";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** `entrance` is the path of its sign-in page; `person(name)` gives the claims of whoever a code names. */
export async function startIssuer({ clientId, entrance, person }) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const nonces = new Map();
  const sign = (claims) => {
    const signed = `${encode({ alg: "RS256", kid: "1", typ: "JWT" })}.${encode(claims)}`;
    return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
  };
  const listening = http.createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
  await once(listening, "listening");
  const origin = `http://localhost:${listening.address().port}`;

  const idToken = (name) => {
    const now = Math.floor(Date.now() / 1000);
    return sign({ iss: origin, aud: clientId, iat: now, exp: now + 300, nonce: nonces.get(name), ...person(name) });
  };

  async function answer(request, response) {
    const respond = (body) => response.setHeader("content-type", "application/json").end(JSON.stringify(body));
    let body = "";
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const name = form.get("code") ?? form.get("refresh_token") ?? request.headers.authorization?.replace("Bearer at-", "");
    switch (request.url) {
      case "/.well-known/openid-configuration":
        return respond({
          issuer: origin,
          authorization_endpoint: `${origin}${entrance}`,
          token_endpoint: `${origin}/token`,
          jwks_uri: `${origin}/keys`,
          userinfo_endpoint: `${origin}/userinfo`,
        });
      case "/keys":
        return respond({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] });
      case "/token":
        return respond({
          access_token: `at-${name}`,
          refresh_token: name,
          token_type: "Bearer",
          expires_in: 3600,
          scope: "read_user",
          id_token: idToken(name),
        });
      case "/userinfo":
        return respond(person(name));
      default:
        response.statusCode = 404;
        return response.end();
    }
  }

  return {
    origin,
    idToken,
    /** Somebody was sent here with this nonce. */
    expect: (name, nonce) => nonces.set(name, nonce),
    close: () =>
      new Promise((resolve) => {
        listening.close(resolve);
        listening.closeAllConnections();
      }),
  };
}
