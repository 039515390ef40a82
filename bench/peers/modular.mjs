// Our server as peers of the kit: what to start, how to fill its database, which cookies to check. See run.mjs.
import crypto from "node:crypto";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const kit = (file) => import(pathToFileURL(path.join(process.env.PEERS_KIT, file)));
const { end, freePort, get, jar, post, sleep } = await kit("lib.mjs");
const { PASSWORD, USERS } = await kit("peers.mjs");

const SECRET = "bench-only-secret-bench-only-secret-00"; // a benchmark constant, protects nothing
const host = process.env.MODULAR_HOST; // the published Host
const command = ["dotnet", path.join(host, "Modular.Host.dll")];
const unknownCookies = 50_000;
const atOnce = 16;
const patienceSeconds = 180;

const origin = (port) => `http://127.0.0.1:${port}`;
const auth = (port, route) => `${origin(port)}/api/auth${route}`;
const settings = (ctx, port, more) => ({
  DATABASE_URL: ctx.pg.url("modular"),
  Auth__Secret: SECRET,
  Auth__BaseUrl: origin(port),
  ASPNETCORE_URLS: origin(port),
  Logging__LogLevel__Default: "Warning",
  RateLimiting__Enabled: "false",
  ...more,
});

const cookieOf = (token) => {
  const mac = crypto.createHmac("sha256", SECRET).update(token).digest("base64");
  return `better-auth.session_token=${encodeURIComponent(`${token}.${mac}`)}`;
};

async function answered(what, request) {
  const answer = await request;
  if (answer.status !== 200) throw new Error(`${what}: ${answer.status} ${answer.body}`);
  return answer;
}

const signUp = async (port, name) => jar((await answered(`sign-up of ${name}`,
  post(auth(port, "/sign-up/email"), { name, email: `${name}@bench.test`, password: PASSWORD }))).cookies);
const signIn = async (port) => jar((await answered("sign-in",
  post(auth(port, "/sign-in/email"), { email: "u1@bench.test", password: PASSWORD }))).cookies);

// Every user through the API: their events, keys, profiles and audit entries are what the server itself makes of a
// sign-up. With one round of PBKDF2, which only Development allows; then all get the password of u1, whose is worth the
// full 220,000. It stands in the account's row and nowhere else.
async function seed(ctx) {
  await signUp(ctx.port, "u1");
  const port = await freePort(ctx.port + 1);
  const proc = spawn(command[0], command.slice(1), {
    cwd: host,
    env: { ...process.env, ...settings(ctx, port, { ASPNETCORE_ENVIRONMENT: "Development", Auth__PasswordIterations: "1" }) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const stop = () => proc.kill();
  process.once("exit", stop);
  try {
    await until("the seeding server", async () => (await get(origin(port) + "/healthz/ready").catch(() => ({}))).status === 200);
    const cookies = [];
    let next = 2;
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (next <= USERS) cookies.push(await signUp(port, `u${next++}`));
    }));
    fs.writeFileSync(floods(ctx).live, cookies.join("\n") + "\n");
    // What a sign-up sets off would otherwise be done during the first measurement.
    await until("what the sign-ups set off", () => ctx.pg.psql("modular", `
      SELECT (SELECT count(*) FROM messaging.incoming_envelopes) = 0 AND (SELECT count(*) FROM profiles.mt_doc_profile) = ${USERS}
        AND (SELECT count(*) FROM audit.entries) >= (SELECT count(*) FROM identity.mt_events) + (SELECT count(*) FROM sessions.mt_events)
          + (SELECT count(*) FROM profiles.mt_events)`) === "t");
  } finally {
    await end(proc);
    process.off("exit", stop);
  }
  ctx.pg.psql("modular", `
    UPDATE identity.mt_doc_account SET data = jsonb_set(data, '{password}', (
      SELECT a.data -> 'password' FROM identity.mt_doc_account a JOIN identity.mt_doc_user u ON u.id = a.user_id WHERE u.email = 'u1@bench.test'));
    VACUUM ANALYZE`);
  const unknown = Array.from({ length: unknownCookies }, () => cookieOf(crypto.randomBytes(32).toString("base64url")));
  fs.writeFileSync(floods(ctx).unknown, unknown.join("\n") + "\n");
}

async function until(what, isSo) {
  for (let i = 0; i < patienceSeconds * 5; i++) {
    if (await isSo()) return;
    await sleep(200);
  }
  throw new Error(`${what}: not after ${patienceSeconds} s`);
}

const floods = (ctx) => ({ live: path.join(ctx.pg.dir, "live.cookies"), unknown: path.join(ctx.pg.dir, "unknown.cookies") });
const flood = (file) => `${fs.readFileSync(file, "utf8").split("\n", 1)[0]}; flood=${file}`;

const server = (name, more) => ({
  name,
  db: "modular",
  cwd: host,
  command: () => command,
  env: (ctx) => settings(ctx, ctx.port, more),
  migrate: () => {}, // at its start
  seed,
  alive: (ctx) => origin(ctx.port) + "/healthz/ready",
  login: (ctx) => signIn(ctx.port),
  check: (ctx) => ({ url: auth(ctx.port, "/get-session"), has: "@bench.test" }),
  hash: "PBKDF2-HMAC-SHA512, 220 000 iterations",
});

// A session that ended at this server, which has learned of it by one check.
let ended;

export default [
  {
    ...server("modular"),
    forged: () => `better-auth.session_token=${encodeURIComponent(`${"A".repeat(43)}.${Buffer.alloc(32, 7).toString("base64")}`)}`,
    signIn: (ctx) => ({ url: auth(ctx.port, "/sign-in/email"), body: JSON.stringify({ email: "%s@bench.test", password: PASSWORD }) }),
    signUp: (ctx) => ({ url: auth(ctx.port, "/sign-up/email"), body: JSON.stringify({ name: "%s", email: "%s@bench.test", password: PASSWORD }) }),
  },
  {
    ...server("modular, all sessions in turn"),
    async login(ctx) {
      ended = await signIn(ctx.port);
      await answered("sign-out", post(auth(ctx.port, "/sign-out"), {}, ended));
      return flood(floods(ctx).live);
    },
    forged: () => ended,
  },
  {
    // The counter of the rate limit, with a limit that nobody reaches.
    ...server("modular, rate limits on", { RateLimiting__Enabled: "true", "RateLimiting__Rules__/get-session__Max": "1000000000" }),
  },
  {
    // Nothing is remembered, as without the lease: every check takes a query. As many connections as /floor-db has.
    ...server("modular, no table", { Sessions__TableMegabytes: "0", Modular__MaximumPoolSize: "4" }),
    forged: (ctx) => flood(floods(ctx).unknown),
  },
  {
    // A table with room for about 500 sessions, so that each of 10,000 in turn takes a query and pushes another out.
    ...server("modular, table too small", { Sessions__TableMegabytes: "1", Modular__MaximumPoolSize: "4" }),
    login: (ctx) => flood(floods(ctx).live),
  },
];
