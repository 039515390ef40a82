// Drives a running Modular server with the official better-auth client, configured with nothing but an address.
//
//   node tests/protocol/run.mjs                            starts the Host, runs the suite, stops the Host;
//                                                          its log is artifacts/protocol-host.log
//   MODULAR_URL=http://localhost:5000 node tests/protocol/run.mjs          uses a server that is already running
//   node tests/protocol/run.mjs sign-up origin             only these files; options of `node --test` pass through
//
// Without MODULAR_URL a server at http://localhost:5000 is used if one answers there. A server of one's own needs
// Auth:BaseUrl = MODULAR_URL and no rate limit (so in Development), PROTOCOL_SESSION_SECONDS when sessions do not live
// 8 hours, Jwt:OnGetSession, and PROTOCOL_TRUSTED_ORIGIN = one entry of its Auth:TrustedOrigins, or one test is skipped. Signing in by
// providers is skipped there too: their addresses have to be known before the server starts.
// PROTOCOL_DIALECT=upstream checks the suite itself against a better-auth 1.7.1 server with the plugins admin and
// organization, session.expiresIn 28800 and rateLimit off.
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, startHost, statusOf, stopHosts } from "./host.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const trustedOrigin = "http://app.localhost:3000";
/** Known to admin.test.mjs. */
const administrator = { Admin__Email: "root@example.com", Admin__Password: "correct-horse-1" };

let tests;
for (const name of ["SIGINT", "SIGTERM"])
  process.once(name, async () => {
    tests?.kill(name);
    await stopHosts();
    process.exit(130);
  });

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
  settings.Auth__Providers__real__SignOut = "true";
  settings.Auth__Providers__real__Scopes__0 = "offline_access";
  settings.Auth__Providers__real__AuthorizationParameters__prompt = "consent"; // or there is no refresh token
  return settings;
}

async function findServer() {
  if (process.env.MODULAR_URL) return process.env.MODULAR_URL;
  const usual = "http://localhost:5000";
  if ((await statusOf(`${usual}/api/auth/ok`)) === 200) return usual;
  process.env.PROTOCOL_TRUSTED_ORIGIN = trustedOrigin;
  const { url } = await startHost({ env: { Auth__TrustedOrigins__0: trustedOrigin, Jwt__OnGetSession: "true", ...administrator, ...(await chooseProviders()) } });
  return url;
}

/** Whether what is installed is what the lock file says. */
function isInstalled() {
  const installed = join(here, "node_modules", ".package-lock.json");
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(here, "package-lock.json")).mtimeMs;
}

if (!isInstalled()) {
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
await stopHosts();
