// Drives a running Modular server with the official better-auth client, configured with nothing but an address.
//
//   node tests/protocol/run.mjs                            starts the Host, runs the suite, stops the Host;
//                                                          its log is artifacts/protocol-host.log
//   MODULAR_URL=http://localhost:5000 node tests/protocol/run.mjs          uses a server that is already running
//   node tests/protocol/run.mjs sign-up origin             only these files; options of `node --test` pass through
//
// Without MODULAR_URL a server at http://localhost:5000 is used if one answers there. A server of one's own needs
// Auth:BaseUrl = MODULAR_URL and no rate limit (so in Development), PROTOCOL_SESSION_SECONDS when sessions do not live
// 8 hours, and PROTOCOL_TRUSTED_ORIGIN = one entry of its Auth:TrustedOrigins, or one test is skipped. Signing in by
// providers is skipped there too: their addresses have to be known before the server starts.
// PROTOCOL_DIALECT=upstream checks the suite itself against a better-auth 1.7.1 server with the plugins admin and
// organization, session.expiresIn 28800 and rateLimit off.
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const repository = fileURLToPath(new URL("../..", import.meta.url));
const logFile = join(repository, "artifacts", "protocol-host.log");
const trustedOrigin = "http://app.localhost:3000";
const startSeconds = 180; // the first start may build the solution and fetch PostgreSQL
const stopSeconds = 20;

let stopHost = async () => {};
let tests;
for (const name of ["SIGINT", "SIGTERM"])
  process.once(name, async () => {
    tests?.kill(name);
    await stopHost();
    process.exit(130);
  });

const statusOf = (url) =>
  fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    (r) => r.status,
    () => 0,
  );

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** The providers of providers.mjs: the tests start them, on ports that are chosen here; nothing listens on the last. */
async function chooseProviders() {
  const chosen = {};
  for (const id of ["real", "liar", "down"])
    chosen[id] = { issuer: `http://127.0.0.1:${await freePort()}`, clientId: `modular-${id}`, clientSecret: randomUUID() };
  process.env.PROTOCOL_PROVIDERS = JSON.stringify(chosen);
  const settings = { Auth__Providers__github__ClientId: "unused", Auth__Providers__github__ClientSecret: "unused" };
  for (const [id, { issuer, clientId, clientSecret }] of Object.entries(chosen)) {
    settings[`Auth__Providers__${id}__Issuer`] = issuer;
    settings[`Auth__Providers__${id}__ClientId`] = clientId;
    settings[`Auth__Providers__${id}__ClientSecret`] = clientSecret;
  }
  settings.Auth__Providers__real__Scopes__0 = "offline_access";
  settings.Auth__Providers__real__AuthorizationParameters__prompt = "consent"; // or there is no refresh token
  return settings;
}

/** Starts the Host on a free port over an empty data directory; `stopHost` ends it within a bounded time. */
async function startHost() {
  const url = `http://localhost:${await freePort()}`;
  const data = mkdtempSync(join(tmpdir(), "modular-protocol-"));
  chmodSync(data, 0o711); // PostgreSQL may have to run as another user and must be able to pass through
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "w");
  const host = spawn(
    "dotnet",
    ["run", "--project", join(repository, "src", "Host"), "--no-launch-profile", "--", "--urls", url],
    {
      cwd: repository,
      env: {
        ...process.env,
        ASPNETCORE_ENVIRONMENT: "Development",
        Modular__DataDirectory: data,
        Auth__TrustedOrigins__0: trustedOrigin,
        ...(await chooseProviders()),
      },
      stdio: ["ignore", log, log],
      detached: true, // a process group of its own: `dotnet run` and the Host beneath it end together
    },
  );
  let ended = false;
  const end = new Promise((resolve) =>
    host.once("exit", resolve).once("error", (error) => {
      console.error(error.message);
      resolve();
    }),
  ).then(() => (ended = true));

  const signal = (name) => {
    try {
      process.kill(-host.pid, name);
    } catch {
      /* already gone */
    }
  };
  stopHost = async () => {
    if (!ended && host.pid) {
      signal("SIGTERM");
      await Promise.race([end, sleep(stopSeconds * 1000, undefined, { ref: false })]);
      if (!ended) signal("SIGKILL");
    }
    rmSync(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };

  const deadline = Date.now() + startSeconds * 1000;
  while ((await statusOf(`${url}/healthz/ready`)) !== 200) {
    if (ended || Date.now() > deadline) {
      await stopHost();
      console.error(readFileSync(logFile, "utf8").slice(-10_000));
      throw new Error(`the Host ${ended ? "ended before it was ready" : `was not ready after ${startSeconds} s`}`);
    }
    await sleep(250);
  }
  return url;
}

async function findServer() {
  if (process.env.MODULAR_URL) return process.env.MODULAR_URL;
  const usual = "http://localhost:5000";
  if ((await statusOf(`${usual}/api/auth/ok`)) === 200) return usual;
  process.env.PROTOCOL_TRUSTED_ORIGIN = trustedOrigin;
  return await startHost();
}

if (!existsSync(join(here, "node_modules"))) {
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts"], {
    cwd: here,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error("`npm ci` in tests/protocol failed");
}

const wanted = process.argv.slice(2).filter((a) => !a.startsWith("-"));
const options = process.argv.slice(2).filter((a) => a.startsWith("-"));
const files = readdirSync(here)
  .filter((f) => f.endsWith(".test.mjs"))
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.startsWith(w)))
  .map((f) => join(here, f));
if (files.length === 0) throw new Error(`no test file starts with ${wanted.join(" or ")}`);

const url = await findServer();
console.error(`protocol tests against ${url}`);
tests = spawn(process.execPath, ["--test", ...options, ...files], {
  stdio: "inherit",
  env: { ...process.env, MODULAR_URL: url },
});
process.exitCode = await new Promise((resolve) => tests.once("close", (status) => resolve(status ?? 1)));
await stopHost();
