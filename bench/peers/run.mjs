// Our session check beside those of other servers, in one run, as one table:
//
//   node bench/peers/run.mjs [--only REGEX] [--rounds N] [--seconds N] [--warm N] [--out FILE]
//
// The other servers are a kit beside this repository, ../shared/peers (PEERS=path: elsewhere), which is copied to
// artifacts/peers and built there. Needs node 20, npm, the .NET 10 SDK, PostgreSQL's server binaries, wrk, flock and setpriv.
// All of it with the kit's defaults takes about 40 minutes. `--only 'modular|floor'`: us and the bare web server.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const repository = path.resolve(here, "../..");
const source = path.resolve(process.env.PEERS ?? path.join(repository, "../shared/peers"));
const kit = path.join(repository, "artifacts", "peers");
const host = path.join(repository, "artifacts", "peers-host");

function run(command, args, cwd) {
  console.error(`# ${command} ${args.join(" ")}`);
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

/** A copy that can be written to: installing and building needs that. What was built before stays. */
function copyKit() {
  if (!fs.existsSync(path.join(source, "bench.mjs"))) throw new Error(`no kit at ${source}; PEERS=path says where it is`);
  fs.mkdirSync(kit, { recursive: true });
  for (const file of fs.readdirSync(source, { recursive: true, withFileTypes: true })) {
    const from = path.join(file.parentPath, file.name);
    const to = path.join(kit, path.relative(source, from));
    if (/(^|\/)(node_modules|bin|obj|publish|\.run)(\/|$)/.test(path.relative(source, from)) || !file.isFile()) continue;
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.writeFileSync(to, fs.readFileSync(from));
  }
  fs.copyFileSync(path.join(here, "get.lua"), path.join(kit, "wrk", "get.lua"));
}

function build() {
  for (const peer of ["better-auth", "authjs", "express-session"])
    if (!fs.existsSync(path.join(kit, peer, "node_modules"))) run("npm", ["ci", "--no-audit", "--no-fund"], path.join(kit, peer));
  // Outside of what this repository says about its own projects.
  for (const file of ["Directory.Build.props", "Directory.Packages.props"]) fs.writeFileSync(path.join(kit, file), "<Project />\n");
  const floor = path.join(kit, "aspnet-identity");
  if (!fs.existsSync(path.join(floor, "publish"))) run("dotnet", ["publish", "-c", "Release", "-o", "publish", "--nologo", "-v", "q"], floor);
  run("dotnet", ["publish", "src/Host", "-c", "Release", "-o", host, "--nologo", "-v", "q"], repository);
}

async function measure(args) {
  const child = spawn(process.execPath, ["bench.mjs", "--peer-module", path.join(here, "modular.mjs"), "--out", path.join(kit, "report.md"), ...args], {
    cwd: kit,
    env: { ...process.env, PEERS_KIT: kit, MODULAR_HOST: host },
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => child.kill(signal));
  const code = await new Promise((done) => child.once("exit", done));
  if (code !== 0) throw new Error(`the kit ended with ${code}`);
  return JSON.parse(fs.readFileSync(path.join(kit, ".run", "last.json"), "utf8"));
}

const median = (numbers) => {
  const sorted = numbers.filter(Number.isFinite).sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const text = (number, digits) => (Number.isFinite(number) ? number.toFixed(digits) : "–");

/** What each of our loads is, and its name in the table; the others' are their live session and their forged cookie. */
const names = {
  "modular": ["a live session", "a forged cookie"],
  "modular, all sessions in turn": ["all live sessions in turn", "a session that ended here"],
  "modular, rate limits on": ["a live session, requests counted", ""],
  "modular, no table": ["a live session, not in memory", "unknown sessions, well signed"],
  "modular, table too small": ["all live sessions in turn, few in memory", ""],
};

function rowsOf(target) {
  const [live, other] = names[target.name] ?? ["a live session", "a forged cookie"];
  const server = target.name.replace(/^modular.*/, "**modular**");
  const load = (name, rounds, signs) => ({
    server, name, signs,
    rps: rounds.map((w) => w.requests / (w.us / 1e6)),
    cpu: rounds.map((w) => (w.srv * 1e6) / w.requests),
    pg: rounds.map((w) => (w.pg * 1e6) / w.requests),
    p50: rounds.map((w) => w.p50 / 1000),
    p99: rounds.map((w) => w.p99 / 1000),
    bad: target.bad,
  });
  const signs = [target.signIn, target.signUp].map((rounds) => median(rounds.map((w) => w.requests / (w.us / 1e6))));
  return [load(live, target.valid, signs), ...(target.invalid.length ? [load(other, target.invalid, [NaN, NaN])] : [])];
}

function table(targets) {
  const rows = targets.flatMap(rowsOf);
  const of = (server) => rows.find((row) => row.server === server);
  const [web, db, betterAuth] = ["Kestrel /floor", "Kestrel + Npgsql /floor-db", "better-auth"].map(of);
  // Round by round, then the median: the rounds are interleaved, so both of a ratio saw the same machine.
  const ratio = (row, base, what, digits = 2) => text(base ? median(row[what].map((x, i) => x / base[what][i])) : NaN, digits);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(["server", "checked", "req/s", "× /floor", "× /floor-db", "× better-auth", "CPU µs/check", "× /floor's", "PostgreSQL µs", "p50 ms", "p99 ms", "× /floor's", "sign-in/s", "sign-up/s"]),
    line([":--", ":--", ...Array(12).fill("--:")]),
    ...rows.map((row) => line([
      row.server, row.name, text(median(row.rps), 0), ratio(row, web, "rps"), ratio(row, db, "rps"), ratio(row, betterAuth, "rps", 1),
      text(median(row.cpu), 1), ratio(row, web, "cpu"), text(median(row.pg), 1), text(median(row.p50), 2), text(median(row.p99), 2), ratio(row, web, "p99"),
      ...row.signs.map((n) => text(n, 1)),
    ])),
    "",
    `Wrong answers: ${targets.reduce((sum, t) => sum + t.bad, 0)} of ${targets.reduce((sum, t) => sum + t.total, 0)}. Other programs took ${
      text(100 * median(targets.flatMap((t) => t.foreign)), 0)} % of the machine (median of the loads).`,
    "",
  ].join("\n");
}

const args = process.argv.slice(2);
const at = args.indexOf("--out");
const out = at < 0 ? undefined : path.resolve(args.splice(at, 2)[1]);
copyKit();
build();
const result = table(await measure(args));
console.log(result);
if (out) fs.writeFileSync(out, `${result}\n${fs.readFileSync(path.join(kit, "report.md"), "utf8")}`);
