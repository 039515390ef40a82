// A Host of one's own: started on a free port over an empty data directory, and ended within a bounded time.
// `run.mjs` has one for the whole suite; a test that needs another configuration starts one more beside it.
import { spawn } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const startSeconds = 180; // the first start may build the solution and fetch PostgreSQL
const stopSeconds = 20;

const running = new Set();
// `dotnet run` builds first; once is enough for everything below this process, and two builds at a time would collide.
const BUILT = "PROTOCOL_HOST_BUILT";

export const statusOf = (url) =>
  fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    (r) => r.status,
    () => 0,
  );

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Starts a Host and waits until it is ready. `name` names its log, artifacts/NAME.log; `env` is its configuration in
 * the form of environment variables (`Auth__TrustedOrigins__0`), on top of this process's own. Answers
 * `{ url, data, logFile, stop }`, with the data directory; `stop` may be called twice.
 */
export async function startHost({ name = "protocol-host", environment = "Development", env = {} } = {}) {
  const url = `http://localhost:${await freePort()}`;
  const data = mkdtempSync(join(tmpdir(), "modular-protocol-"));
  chmodSync(data, 0o711); // PostgreSQL may have to run as another user and must be able to pass through
  const logFile = join(repository, "artifacts", `${name}.log`);
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "w");
  const built = process.env[BUILT] ? ["--no-build"] : [];
  const host = spawn(
    "dotnet",
    ["run", ...built, "--project", join(repository, "src", "Host"), "--no-launch-profile", "--", "--urls", url],
    {
      cwd: repository,
      env: { ...process.env, ASPNETCORE_ENVIRONMENT: environment, Modular__DataDirectory: data, ...env },
      stdio: ["ignore", log, log],
      detached: true, // a process group of its own: `dotnet run` and the Host beneath it end together
    },
  );
  closeSync(log);
  let ended = false;
  const end = new Promise((resolve) =>
    host.once("exit", resolve).once("error", (error) => {
      console.error(error.message);
      resolve();
    }),
  ).then(() => (ended = true));

  const signal = (signalName) => {
    try {
      process.kill(-host.pid, signalName);
    } catch {
      /* already gone */
    }
  };
  const stop = async () => {
    running.delete(stop);
    if (!ended && host.pid) {
      signal("SIGTERM");
      await Promise.race([end, sleep(stopSeconds * 1000, undefined, { ref: false })]);
      if (!ended) signal("SIGKILL");
    }
    rmSync(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  running.add(stop);

  const deadline = Date.now() + startSeconds * 1000;
  while ((await statusOf(`${url}/healthz/ready`)) !== 200) {
    if (ended || Date.now() > deadline) {
      await stop();
      console.error(readFileSync(logFile, "utf8").slice(-10_000));
      throw new Error(`the Host ${ended ? "ended before it was ready" : `was not ready after ${startSeconds} s`}`);
    }
    await sleep(250);
  }
  process.env[BUILT] = "1";
  return { url, data, logFile, stop };
}

/** Ends every Host that this process started and that still runs. */
export const stopHosts = () => Promise.all([...running].map((stop) => stop()));
