// Pages in a real Chromium that use a running Modular server through the official better-auth client.
//
//   node tests/browser/run.mjs                starts the Host, serves the page, runs the suite, stops both;
//                                             the Host's log is artifacts/browser-host.log
//   node tests/browser/run.mjs passkey        only these files; options of `node --test` pass through
//
// Chromium is the one on the machine (Debian: `apt-get install chromium`), or CHROMIUM=path. The page is bundled from
// page.mjs into artifacts/browser and served from an origin of its own, which the Host trusts.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startHost, stopHosts } from "../protocol/host.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const output = fileURLToPath(new URL("../../artifacts/browser/", import.meta.url));

let tests, pages;
const stop = () => Promise.all([stopHosts(), ...(pages ?? []).map((server) => new Promise((done) => server.close(done)))]);
for (const name of ["SIGINT", "SIGTERM"])
  process.once(name, async () => {
    tests?.kill(name);
    await stop();
    process.exit(130);
  });

function findChromium() {
  const names = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"].filter(Boolean);
  for (const name of names) {
    const { status, stdout } = spawnSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" });
    if (status === 0) return stdout.trim();
  }
  throw new Error(`none of ${names.join(", ")} is installed: apt-get install chromium, or set CHROMIUM`);
}

/** Whether what is installed is what the lock file says. */
function isInstalled() {
  const installed = join(here, "node_modules", ".package-lock.json");
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(here, "package-lock.json")).mtimeMs;
}

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`\`${command} ${args.join(" ")}\` in tests/browser failed`);
}

/** The page at every address, its script at /page.js. Answers its origin. */
function servePage() {
  const html = readFileSync(join(here, "page.html"));
  const server = createServer(({ url }, response) => {
    const isScript = url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? readFileSync(join(output, "page.js")) : html);
  });
  pages = [...(pages ?? []), server];
  return new Promise((done, fail) =>
    server.once("error", fail).listen(0, "127.0.0.1", () => done(`http://localhost:${server.address().port}`)),
  );
}

const wanted = process.argv.slice(2).filter((a) => !a.startsWith("-"));
const options = process.argv.slice(2).filter((a) => a.startsWith("-"));
const files = readdirSync(here)
  .filter((f) => f.endsWith(".test.mjs"))
  .filter((f) => wanted.length === 0 || wanted.some((w) => f.startsWith(w)))
  .map((f) => join(here, f));
if (files.length === 0) throw new Error(`no test file starts with ${wanted.join(" or ")}`);

const chromium = findChromium();
if (!isInstalled()) run("npm", "ci", "--ignore-scripts");
mkdirSync(output, { recursive: true });
run(join(here, "node_modules/.bin/esbuild"), "page.mjs", "--bundle", "--format=esm", "--log-level=warning", `--outfile=${output}page.js`);

const [page, stranger] = [await servePage(), await servePage()];
const { url } = await startHost({ name: "browser-host", env: { Auth__TrustedOrigins__0: page } });
console.error(`browser tests of ${url} from ${page}`);
tests = spawn(process.execPath, ["--test", ...options, ...files], {
  stdio: "inherit",
  env: { ...process.env, CHROMIUM: chromium, MODULAR_URL: url, PAGE_URL: page, STRANGER_URL: stranger },
});
process.exitCode = await new Promise((resolve) => tests.once("close", (status) => resolve(status ?? 1)));
await stop();
