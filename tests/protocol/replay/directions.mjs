// What the recording does not say: on which server a section is played, who sends an exchange, and what somebody did
// in between. A section's `as` is who sends its exchanges, `recordedOrigin` where it was recorded, and `lacks` cookies
// that are not offered here. An exchange's own direction overrides `as` and may have
//   before(stage)    what happened unrecorded just before
//   path(stage)      the path, where the recording cut it
//   headers(stage)   headers that the recording left out; undefined takes one away
//   body(stage)      the body, where the recording has what only its own providers understood
//   recorded(answer) the recorded answer, where it shows what happened in a section that is not played before
//
// What is said of a plugin's section stands in a file of its own below plugins/, in the same form: it exports `servers`,
// `sections` and `exchanges`, which are added to these.
import { existsSync, readdirSync } from "node:fs";
import { startIssuer } from "./issuer.mjs";

/**
 * The providers of the recording. Google cannot be reached from here, and GitLab's own way is not spoken: issuers of
 * ours stand for both. `aliases` says what their addresses were in the recording (its GitLab was on the server itself).
 */
async function providers() {
  const google = await startIssuer({
    clientId: "google-client",
    entrance: "/o/oauth2/v2/auth",
    person: (name) => ({ sub: `sub-${name}`, email: `${name}@idtoken.test`, email_verified: true, name: "Id Token" }),
  });
  const gitlab = await startIssuer({
    clientId: "gl-client",
    entrance: "/_gitlab/oauth/authorize",
    person: (name) => ({
      sub: `gl-${name}`,
      email: `${name}@gitlab.test`,
      email_verified: true,
      name: `GL ${name}`,
      picture: "http://img.test/a.png",
    }),
  });
  return {
    google,
    gitlab,
    aliases: (origin) => [
      [google.origin, "https://accounts.google.com"],
      [gitlab.origin, origin],
    ],
    close: () => Promise.all([google.close(), gitlab.close()]),
    env: {
      Auth__Providers__stand_in__Issuer: google.origin,
      Auth__Providers__stand_in__ClientId: "google-client",
      Auth__Providers__stand_in__AuthorizationParameters__include_granted_scopes: "true",
      Auth__Providers__gitlab__Issuer: gitlab.origin,
      Auth__Providers__gitlab__ClientId: "gl-client",
      Auth__Providers__github__ClientId: "unused",
      Auth__Providers__github__ClientSecret: "unused",
    },
  };
}

/** The Hosts: their configuration beyond the default. `origin` is theirs where it is not where they are reached. */
export const servers = {
  core: {
    env: { Auth__TrustedOrigins__0: "http://app.localhost:3000" },
    prepare: providers,
  },
  https: {
    origin: "https://localhost:4874",
    env: { Auth__BaseUrl: "https://localhost:4874" },
    prepare: providers,
  },
  verified: {
    env: { Auth__RequireEmailVerification: "true", Auth__SignInAfterVerification: "true" },
  },
  confirmed: {
    env: { Auth__ConfirmDeletion: "true" },
  },
  production: {
    environment: "Production",
    env: { Auth__Secret: "only-for-the-replay-of-recorded-exchanges", Modular__ForwardedFor: "true" },
  },
};

const password = (name, number) => `password-${name}-${number}`;
const signIn = (actor, email, secret) => (stage) =>
  done(stage.act(actor, "/sign-in/email", { email, password: secret }), `${actor} signs in`);
const signUp = (actor, email, secret) => (stage) =>
  done(stage.act(actor, "/sign-up/email", { name: "V", email, password: secret }), `${actor} signs up`);

async function done(answer, what) {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`${what}: ${status} ${body}`);
  return body ? JSON.parse(body) : null;
}

// Links are found in the mailbox, and what the recording says of their token stands for it from then on.
const mailed = (to, path, placeholder) => async (stage) => {
  const link = await stage.mailedLink(to, path);
  const token = link.searchParams.get("token") ?? link.pathname.split("/").at(-1);
  if (!stage.bindings.agree(placeholder, token)) throw new Error(`${placeholder} stands for something else already`);
};
const verificationOf = (to) => async (stage) => {
  const link = await stage.mailedLink(to, "verify-email");
  stage.verificationToken = link.searchParams.get("token");
};
const resetPath = (query) => (stage) => `/api/auth/reset-password/${stage.bindings.get("wskjTd…")}${query}`;
const verifyPath = (query) => (stage) => `/api/auth/verify-email?token=${stage.verificationToken}${query}`;

const core = { on: "core", recordedOrigin: "http://localhost:4877" };

export const sections = {
  "A · Router and transport": { ...core, as: "nobody" },
  "A · Origin and CSRF": { ...core, as: "first" },
  "A · sign-up/email": { ...core, as: "nobody" },
  "A · sign-in/email": { ...core, as: "nobody" },
  "A · get-session": { ...core, as: "ann" },
  "A · sessions": { ...core, as: "ann" },
  "A · update-user / update-session": { ...core, as: "ann" },
  "A · change-password": { ...core, as: "ann" },
  "A · password reset": { ...core, as: "ann" },
  "A · email verification": { ...core, as: "ann" },
  "A · change-email": { ...core, as: "ann" },
  "A · social sign-in": { ...core, as: "alice" },
  "A · accounts": { ...core, as: "alice" },
  "A · delete-user": { ...core, as: "b" },
  "A · sign-out": { ...core, as: "ann" },
  "B · session.cookieCache enabled": {
    on: "core",
    as: "q",
    recordedOrigin: "http://localhost:4871",
    lacks: ["better-auth.session_data"],
  },
  "B · https baseURL (secure cookies)": { on: "https", as: "q", recordedOrigin: "https://localhost:4874" },
  "B · requireEmailVerification, sendOnSignIn, autoSignInAfterVerification": {
    on: "verified",
    as: "v",
    recordedOrigin: "http://localhost:4873",
  },
  "B · deferSessionRefresh, delete-user by mail": {
    on: "confirmed",
    as: "v",
    recordedOrigin: "http://localhost:4875",
  },
  "B · rate limit enabled, NODE_ENV=production (all plugins)": {
    on: "production",
    as: "nobody",
    recordedOrigin: "http://localhost:4870",
  },
};

/** Google is called by the name of what stands for it; its id tokens are made when they are needed. */
const atGoogle = { body: (stage, body) => throughStandIn(stage, body) };
function throughStandIn(stage, body) {
  const token = /"token":"(good\d)"/.exec(body)?.[1];
  const renamed = body.replace('"provider":"google"', '"provider":"stand_in"');
  return token ? renamed.replace(token, stage.prepared.google.idToken(token)) : renamed;
}

/** Somebody is sent to GitLab; what the recording calls their state stands for it from then on. */
const departure = (state, urls = {}) => async (stage) => {
  const answer = await done(
    stage.act("alice", "/sign-in/social", {
      provider: "gitlab",
      callbackURL: "/dash",
      errorCallbackURL: "/err",
      newUserCallbackURL: "/new",
      loginHint: "alice",
      ...urls,
    }),
    "alice goes to GitLab",
  );
  const { searchParams } = new URL(answer.url);
  stage.prepared.gitlab.expect("alice", searchParams.get("nonce"));
  stage.bindings.rebind(state, searchParams.get("state"));
};

export const exchanges = {
  "A · social sign-in · sign-in/social redirect": { ...atGoogle, as: "nobody" },
  "A · social sign-in · sign-in/social disableRedirect": { ...atGoogle, as: "nobody" },
  "A · social sign-in · sign-in/social id token": { ...atGoogle, as: "nobody" },
  "A · social sign-in · sign-in/social id token again": { ...atGoogle, as: "nobody" },
  "A · social sign-in · sign-in/social bad id token": { ...atGoogle, as: "nobody" },
  // The one that signs no id tokens: here GitHub, there GitLab.
  "A · social sign-in · sign-in/social id token, provider without support": {
    body: (_, body) => body.replace("gitlab", "github"),
  },
  "A · social sign-in · gitlab: start": { as: "nobody" },
  "A · social sign-in · gitlab: callback, new user": { before: departure("hIv-IK…") },
  "A · social sign-in · gitlab: callback, provider error": {
    before: departure("2VWKbY…", { errorCallbackURL: "/err?z=1" }),
  },
  "A · social sign-in · gitlab: callback, existing user": { before: departure("EZSrWV…") },
  "B · https baseURL (secure cookies) · sign-in/social": { ...atGoogle, as: "nobody" },
  "A · Router and transport · POST with no content type": { headers: () => ({ "content-type": undefined }) },
  "A · Origin and CSRF · cookie, no Origin but good Referer": {
    headers: (stage) => ({ referer: `${stage.origin}/some/page` }),
  },
  "A · sign-in/email · success": { as: "ann" },
  "A · sessions · revoke-session (own)": {
    before: async (stage) => {
      const { token } = await signIn("phone", "ann@example.com", password("ann", 1))(stage);
      stage.bindings.agree("eGh7i1…", token);
    },
  },
  "A · sessions · get-session with the revoked cookie": { as: "phone" },

  "A · password reset · GET reset-password/:token good": {
    before: mailed("ann@example.com", "reset-password/", "wskjTd…"),
    path: resetPath("?callbackURL=%2Freset%3Fx%3D1"),
  },
  "A · password reset · GET reset-password/:token without callbackURL": { path: resetPath("") },
  "A · password reset · GET reset-password/:token with empty callbackURL": { path: resetPath("?callbackURL=") },
  "A · password reset · GET reset-password/:token untrusted callbackURL": {
    path: resetPath("?callbackURL=http%3A%2F%2Fevil.test"),
  },
  // Here the reset has ended it.
  "A · email verification · send, signed in": {
    before: async (stage) => {
      const { token } = await signIn("ann", "ann@example.com", password("ann", 4))(stage);
      stage.bindings.rebind("fbIwsz…", token);
    },
  },
  "A · email verification · verify-email good, callback": {
    as: "nobody",
    before: verificationOf("ann@example.com"),
    path: verifyPath("&callbackURL=%2Fwelcome"),
  },
  "A · email verification · verify-email again, no callback": { path: verifyPath("") },
  "A · change-email · verify-email with that token while signed in": {
    before: verificationOf("ann2@example.com"),
    path: verifyPath(""),
  },

  "A · accounts · list-accounts (credential user)": { as: "ann" },
  "A · accounts · link-social id token (different email)": { ...atGoogle, as: "ann" },
  "A · accounts · link-social redirect": { as: "ann" },
  "A · accounts · unlink-account unknown": { as: "ann" },
  "A · delete-user · wrong password": { before: signIn("b", "b@example.com", password("b", 1)) },
  "A · sign-out · revoke-sessions": { as: "c", before: signIn("c", "c@example.com", password("c", 1)) },
  "A · sign-out · protected endpoint with a dead session cookie": { as: "c" },

  "B · requireEmailVerification, sendOnSignIn, autoSignInAfterVerification · verify-email signs in": {
    before: verificationOf("v@example.com"),
    path: verifyPath("&callbackURL=%2Fhello"),
  },
  "B · deferSessionRefresh, delete-user by mail · get-session GET": {
    before: signUp("v", "v@example.com", password("v", 1)),
  },
  "B · deferSessionRefresh, delete-user by mail · delete-user/callback": {
    before: mailed("v@example.com", "delete-user/callback", "tp5jx0…"),
  },
  "B · rate limit enabled, NODE_ENV=production (all plugins) · 4th sign-in within 10 s": {
    before: async (stage) => {
      for (let attempt = 1; attempt <= 3; attempt++)
        await stage.act(
          "nobody",
          "/sign-in/email",
          { email: "z@example.com", password: password("v", 1) },
          { "x-forwarded-for": "198.51.100.1" },
        );
    },
    headers: () => ({ "x-forwarded-for": "198.51.100.1" }),
  },
  "B · rate limit enabled, NODE_ENV=production (all plugins) · other address is not limited": {
    headers: () => ({ "x-forwarded-for": "198.51.100.2" }),
  },
};

const plugins = new URL("plugins/", import.meta.url);
for (const file of existsSync(plugins) ? readdirSync(plugins).filter((name) => name.endsWith(".mjs")).sort() : []) {
  const plugin = await import(new URL(file, plugins));
  // Recorded with all plugins, of which jwt answers every get-session with a token.
  for (const [name, server] of Object.entries(plugin.servers))
    servers[name] = { ...server, env: { Jwt__OnGetSession: "true", ...server.env } };
  Object.assign(sections, plugin.sections);
  Object.assign(exchanges, plugin.exchanges);
}
