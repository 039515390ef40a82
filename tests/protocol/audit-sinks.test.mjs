// The log pushed to a receiver that checks signatures with the library of Standard Webhooks.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { startHost } from "./host.mjs";
import { upstream } from "./support.mjs";

const secret = `whsec_${randomBytes(32).toString("base64")}`;
const previous = `whsec_${randomBytes(32).toString("base64")}`;

describe("a sink of the audit log", { skip: upstream }, () => {
  let host, server;
  const deliveries = [];
  const refusals = []; // how the next requests are answered, before all others are taken

  before(async () => {
    server = createServer((request, response) => {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const status = refusals.shift() ?? 204;
        deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), status });
        response.writeHead(status).end();
      });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    refusals.push(500, 302, 503);
    host = await startHost({
      name: "protocol-sinks",
      env: {
        Audit__Sinks__siem__Url: `http://127.0.0.1:${server.address().port}/in`,
        Audit__Sinks__siem__Secret: secret,
        Audit__Sinks__siem__PreviousSecret: previous,
        Audit__Sinks__siem__BatchSize: "5",
        Admin__Email: "root@example.com",
        Admin__Password: "correct-horse-1",
      },
    });
  });
  after(async () => {
    await host?.stop();
    server?.close();
  });

  const post = (path, body, cookie) =>
    fetch(`${host.url}${path}`, { method: "POST", headers: { "content-type": "application/json", origin: host.url, ...(cookie ? { cookie } : {}) }, body: JSON.stringify(body) });
  const taken = () => deliveries.filter(({ status }) => status === 204);
  const entries = () => taken().flatMap(({ body }) => JSON.parse(body).data.entries);

  test("gets every entry in order, and each batch again until it is taken", async () => {
    const name = `Ada Unmistakable ${randomBytes(4).toString("hex")}`;
    const email = `ada.${randomBytes(4).toString("hex")}@example.com`;
    const { user } = await (await post("/api/auth/sign-up/email", { name, email, password: "correct-horse-1" })).json();
    for (let wait = 0; wait < 300 && !entries().some(({ type, subject }) => type === "session.started.1" && subject === user.id); wait++) await sleep(100);
    assert.deepEqual(deliveries.slice(0, 4).map(({ status }) => status), [500, 302, 503, 204]);
    assert.equal(new Set(deliveries.slice(0, 4).map(({ headers, body }) => headers["webhook-id"] + body)).size, 1);
    const positions = entries().map(({ position }) => position);
    assert.deepEqual(positions, positions.map((_, at) => at));
    assert.ok(!deliveries.some(({ body }) => body.includes(name) || body.includes(email)), "nothing personal unless it is chosen");
  });

  test("is believed by the library, with either secret, and by no other", () => {
    for (const { headers, body } of deliveries) {
      for (const key of [secret, previous]) assert.equal(new Webhook(key).verify(body, headers).type, "audit.entries");
      assert.throws(() => new Webhook(`whsec_${randomBytes(32).toString("base64")}`).verify(body, headers));
      assert.throws(() => new Webhook(secret).verify(`${body} `, headers));
      assert.throws(() => new Webhook(secret).verify(body, { ...headers, "webhook-id": "another" }));
    }
  });

  test("is paused, resumed and sent back by an administrator", async () => {
    const signedIn = await post("/api/auth/sign-in/email", { email: "root@example.com", password: "correct-horse-1" });
    const cookie = signedIn.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
    assert.equal((await (await post("/api/audit/sinks/siem/pause", {}, cookie)).json()).state, "paused");
    assert.equal((await (await post("/api/audit/sinks/siem/resume", {}, cookie)).json()).state, "running");
    const before = taken().length;
    assert.equal((await (await post("/api/audit/sinks/siem/replay", { from: 0 }, cookie)).json()).next, 0);
    for (let wait = 0; wait < 300 && !entries().some(({ type }) => type === "sink.sent_back.1"); wait++) await sleep(100);
    const again = taken().slice(before).filter(({ headers }) => headers["webhook-id"].startsWith("siem_1_"));
    const positions = again.flatMap(({ body }) => JSON.parse(body).data.entries.map(({ position }) => position));
    assert.deepEqual(positions, positions.map((_, at) => at));
    assert.equal((await post("/api/audit/sinks/siem/pause", {})).status, 401);
  });
});
