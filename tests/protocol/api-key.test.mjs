import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { apiKeyClient } from "@better-auth/api-key/client";
import { Browser, UNAUTHORIZED, assertClientRefused, assertNotFound, invalid, modularOnly, post, server, signedUp } from "./support.mjs";

const DAY = 24 * 60 * 60;
const open = () => new Browser({ plugins: [apiKeyClient()] });
const refusal = (code) => ({ message: apiKeyClient().$ERROR_CODES[code].message, code });

const MEMBERS = [
  "configId",
  "name",
  "start",
  "referenceId",
  "prefix",
  "refillInterval",
  "refillAmount",
  "lastRefillAt",
  "enabled",
  "rateLimitEnabled",
  "rateLimitTimeWindow",
  "rateLimitMax",
  "requestCount",
  "remaining",
  "lastRequest",
  "expiresAt",
  "createdAt",
  "updatedAt",
  "permissions",
  "metadata",
  "id",
];

let browser, user, keys;
before(async () => {
  ({ browser, user } = await signedUp({ browser: open() }));
  keys = browser.auth.apiKey;
});

describe("keys for programs", () => {
  let made;

  test("are made, and shown once", async () => {
    const { data, error } = await keys.create({ name: "ci", prefix: "ci_", expiresIn: 2 * DAY, metadata: { a: 1 } });
    assert.equal(error, null);
    assert.deepEqual(Object.keys(data).sort(), [...MEMBERS, "key"].sort());
    assert.match(data.key, /^ci_[a-zA-Z]{64}$/);
    assert.equal(data.start, data.key.slice(0, 6));
    assert.equal(data.referenceId, user.id);
    assert.deepEqual(data.metadata, { a: 1 });
    assert.equal(new Date(data.expiresAt) - new Date(data.createdAt), 2 * DAY * 1000);
    assert.deepEqual(
      [data.enabled, data.rateLimitEnabled, data.rateLimitTimeWindow, data.rateLimitMax, data.requestCount, data.remaining],
      [true, true, DAY * 1000, 10, 0, null],
    );
    made = data;
  });

  test("are listed and read without the key itself", async () => {
    const { key, ...shown } = made;
    const list = await keys.list();
    assert.deepEqual(JSON.parse(JSON.stringify(list.data)), { apiKeys: [JSON.parse(JSON.stringify(shown))], total: 1 });
    const read = await keys.get({ query: { id: made.id } });
    assert.deepEqual(read.data, shown);
    const page = await keys.list({ query: { limit: 1, offset: 1, sortBy: "name", sortDirection: "desc" } });
    assert.deepEqual(page.data, { apiKeys: [], total: 1, limit: 1, offset: 1 });
  });

  test("are renamed, disabled, and freed from their end", async () => {
    const { data, error } = await keys.update({ keyId: made.id, name: "ci2", enabled: false, expiresIn: null, metadata: { b: 2 } });
    assert.equal(error, null);
    assert.deepEqual([data.name, data.enabled, data.expiresAt, data.metadata], ["ci2", false, null, { b: 2 }]);
    assert.equal("key" in data, false);
  });

  test("are nobody else's", async () => {
    const other = (await signedUp({ browser: open() })).browser.auth.apiKey;
    assertClientRefused(await other.get({ query: { id: made.id } }), 404, refusal("KEY_NOT_FOUND"));
    assertClientRefused(await other.update({ keyId: made.id, name: "mine" }), 404, refusal("KEY_NOT_FOUND"));
    assertClientRefused(await other.delete({ keyId: made.id }), 404, refusal("KEY_NOT_FOUND"));
    assert.deepEqual((await other.list()).data, { apiKeys: [], total: 0 });
  });

  test("are deleted, once", async () => {
    assert.deepEqual((await keys.delete({ keyId: made.id })).data, { success: true });
    assertClientRefused(await keys.delete({ keyId: made.id }), 404, refusal("KEY_NOT_FOUND"));
    assertClientRefused(await keys.get({ query: { id: made.id } }), 404, refusal("KEY_NOT_FOUND"));
    assertClientRefused(await keys.update({ keyId: made.id, name: "x" }), 404, refusal("KEY_NOT_FOUND"));
  });

  for (const [body, code] of [
    [{ remaining: 5 }, "SERVER_ONLY_PROPERTY"],
    [{ refillAmount: 5 }, "SERVER_ONLY_PROPERTY"],
    [{ refillInterval: 5 }, "SERVER_ONLY_PROPERTY"],
    [{ rateLimitMax: 5 }, "SERVER_ONLY_PROPERTY"],
    [{ rateLimitTimeWindow: 5 }, "SERVER_ONLY_PROPERTY"],
    [{ rateLimitEnabled: false }, "SERVER_ONLY_PROPERTY"],
    [{ permissions: { files: ["read"] } }, "SERVER_ONLY_PROPERTY"],
    [{ expiresIn: 60 }, "EXPIRES_IN_IS_TOO_SMALL"],
    [{ expiresIn: 366 * DAY }, "EXPIRES_IN_IS_TOO_LARGE"],
    [{ name: "n".repeat(33) }, "INVALID_NAME_LENGTH"],
    [{ prefix: "p".repeat(33) }, "INVALID_PREFIX_LENGTH"],
    [{ metadata: "text" }, "INVALID_METADATA_TYPE"],
  ])
    test(`are not made with ${JSON.stringify(body).slice(0, 40)}`, async () =>
      assertClientRefused(await keys.create(body), 400, refusal(code)));

  test("have prefixes of few characters", async () =>
    assertClientRefused(
      await keys.create({ prefix: "a b" }),
      400,
      invalid("[body.prefix] Invalid prefix format, must be alphanumeric and contain only underscores and hyphens."),
    ));

  test("are not updated by what only servers may say, by nothing, or by no name", async () => {
    const { data } = await keys.create({ name: "ci" });
    assertClientRefused(await keys.update({ keyId: data.id }), 400, refusal("NO_VALUES_TO_UPDATE"));
    assertClientRefused(await keys.update({ keyId: data.id, remaining: 5 }), 400, refusal("SERVER_ONLY_PROPERTY"));
    assertClientRefused(await keys.update({ keyId: data.id, permissions: { a: ["b"] } }), 400, refusal("SERVER_ONLY_PROPERTY"));
    assertClientRefused(await keys.update({ keyId: data.id, name: "" }), 400, refusal("INVALID_NAME_LENGTH"));
    assertClientRefused(await keys.update({ keyId: data.id, expiresIn: 60 }), 400, refusal("EXPIRES_IN_IS_TOO_SMALL"));
  });

  test("belong to users only", modularOnly, async () => {
    assertClientRefused(await keys.create({ organizationId: "x" }), 400, refusal("ORGANIZATION_PLUGIN_REQUIRED"));
    assertClientRefused(await keys.list({ query: { organizationId: "x" } }), 400, refusal("ORGANIZATION_PLUGIN_REQUIRED"));
  });

  test("are managed by whoever is signed in", async () => {
    const nobody = open().auth.apiKey;
    assertClientRefused(await nobody.create({ name: "ci" }), 401, refusal("UNAUTHORIZED_SESSION"));
    assertClientRefused(await nobody.update({ keyId: "x", name: "ci" }), 401, refusal("UNAUTHORIZED_SESSION"));
    assertClientRefused(await nobody.delete({ keyId: "x" }), 401, UNAUTHORIZED);
    assertClientRefused(await nobody.list(), 401, UNAUTHORIZED);
    assertClientRefused(await nobody.get({ query: { id: "x" } }), 401, UNAUTHORIZED);
    assertClientRefused(await keys.create({ userId: "somebody" }), 401, refusal("UNAUTHORIZED_SESSION"));
  });

  test("are verified by servers only", async () => {
    assertNotFound(await post("/api-key/verify", { key: "x" }, browser.headers));
    assertNotFound(await post("/api-key/delete-all-expired-api-keys", {}, browser.headers));
  });

  test("act for nobody unless the operator wants it", async () => {
    const { data } = await keys.create({ name: "ci" });
    const answer = await fetch(`${server}/api/auth/get-session`, { headers: { "x-api-key": data.key } });
    assert.equal(await answer.text(), "null");
  });
});
