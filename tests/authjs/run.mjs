// Auth.js itself (@auth/core in an Express application) with clients/authjs-adapter over a running Modular server, and the
// network between the two going wrong in every way.
//
//   node tests/authjs/run.mjs                 builds the adapter, starts the Host, runs the suite, stops the Host;
//                                             its log is artifacts/authjs-host.log
//   node tests/authjs/run.mjs session         only these files; options of `node --test` pass through
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startHost, stopHosts } from "../protocol/host.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const client = fileURLToPath(new URL("../../clients/authjs-adapter/", import.meta.url));
const apiKey = "the key of an application, long enough";

let tests;
for (const name of ["SIGINT", "SIGTERM"])
  process.once(name, async () => {
    tests?.kill(name);
    await stopHosts();
    process.exit(130);
  });

function run(cwd, command, ...args) {
  const { status } = spawnSync(command, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`\`${command} ${args.join(" ")}\` in ${cwd} failed`);
}

/** Whether what is installed is what the lock file says. */
function isInstalled(folder) {
  const installed = join(folder, "node_modules", ".package-lock.json");
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(folder, "package-lock.json")).mtimeMs;
}

for (const folder of [client, here]) if (!isInstalled(folder)) run(folder, "npm", "ci", "--ignore-scripts");
run(client, "npm", "run", "build");

const wanted = process.argv.slice(2).filter((a) => !a.startsWith("-"));
const options = process.argv.slice(2).filter((a) => a.startsWith("-"));
const files = readdirSync(here)
  .filter((f) => f.endsWith(".test.mjs"))
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.startsWith(w)))
  .map((f) => join(here, f));
if (files.length === 0) throw new Error(`no test file starts with ${wanted.join(" or ")}`);

const { url, data } = await startHost({ name: "authjs-host", env: { Adapter__ApiKey: apiKey } });
tests = spawn(process.execPath, ["--test", "--test-concurrency=2", ...options, ...files], {
  stdio: "inherit",
  env: { ...process.env, MODULAR_URL: url, MODULAR_DATA: data, ADAPTER_KEY: apiKey },
});
process.exitCode = await new Promise((resolve) => tests.once("close", (status) => resolve(status ?? 1)));
await stopHosts();
