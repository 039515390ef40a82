// Drives a running Modular server with the official better-auth client, configured with nothing but an address.
//
//   node tests/protocol/run.mjs                            starts the Host, runs the suite, stops the Host;
//                                                          its log is artifacts/protocol-host.log
//   MODULAR_URL=http://localhost:5000 node tests/protocol/run.mjs          uses a server that is already running
//   node tests/protocol/run.mjs sign-up origin             only these files; options of `node --test` pass through
//
// Without MODULAR_URL a server at http://localhost:5000 is used if one answers there. A server of one's own needs
// Auth:BaseUrl = MODULAR_URL and no rate limit (so in Development), PROTOCOL_SESSION_SECONDS when sessions do not live
// 8 hours, and PROTOCOL_TRUSTED_ORIGIN = one entry of its Auth:TrustedOrigins, or one test is skipped.
// PROTOCOL_DIALECT=upstream checks the suite itself against a better-auth 1.7.1 server with the plugins admin and
// organization, session.expiresIn 28800 and rateLimit off.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startHost, statusOf, stopHosts } from "./host.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const trustedOrigin = "http://app.localhost:3000";

let tests;
for (const name of ["SIGINT", "SIGTERM"])
  process.once(name, async () => {
    tests?.kill(name);
    await stopHosts();
    process.exit(130);
  });

async function findServer() {
  if (process.env.MODULAR_URL) return process.env.MODULAR_URL;
  const usual = "http://localhost:5000";
  if ((await statusOf(`${usual}/api/auth/ok`)) === 200) return usual;
  process.env.PROTOCOL_TRUSTED_ORIGIN = trustedOrigin;
  const { url } = await startHost({ env: { Auth__TrustedOrigins__0: trustedOrigin } });
  return url;
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
await stopHosts();
