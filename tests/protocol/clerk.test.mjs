// Webhooks of Clerk, signed by Svix's own library.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Webhook } from "svix";
import { startHost } from "./host.mjs";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const payload = (id, name, updatedAt, type = "user.created") =>
  JSON.stringify({
    data: {
      id,
      first_name: name,
      last_name: null,
      image_url: "https://img.clerk.com/x",
      primary_email_address_id: "idn_1",
      email_addresses: [{ id: "idn_1", email_address: `${id}@example.com`, verification: { status: "verified" } }],
      banned: false,
      locked: false,
      created_at: updatedAt,
      updated_at: updatedAt,
    },
    object: "event",
    type,
  });

describe("webhooks of Clerk", () => {
  let host;
  before(async () => {
    host = await startHost({ name: "protocol-clerk", env: { Clerk__WebhookSecret: secret } });
  });
  after(() => host?.stop());

  const send = async (body, { by = secret, at = new Date(), id = `msg_${randomUUID()}`, sent = body } = {}) => {
    const answer = await fetch(`${host.url}/api/webhooks/clerk`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "svix-id": id,
        "svix-timestamp": String(Math.floor(at.getTime() / 1000)),
        "svix-signature": new Webhook(by).sign(id, at, body),
      },
      body: sent,
    });
    return { status: answer.status, body: await answer.json() };
  };

  test("are taken when Svix has signed them", async () => {
    const id = `user_${randomUUID().replaceAll("-", "")}`;
    assert.deepEqual(await send(payload(id, "Ada ✓", 1000)), { status: 200, body: { status: "applied", reason: null } });
    assert.deepEqual((await send(payload(id, "Ada ✓", 1000, "user.updated"))).body, { status: "stale", reason: null });
  });

  test("count once", async () => {
    const id = `user_${randomUUID().replaceAll("-", "")}`;
    const message = { id: `msg_${randomUUID()}` };
    assert.equal((await send(payload(id, "Ada", 1000), message)).body.status, "applied");
    assert.equal((await send(payload(id, "Ada", 1000), message)).body.status, "duplicate");
  });

  test("are refused when somebody else has signed them, or nobody what was sent", async () => {
    const body = payload("user_forged", "Mallory", 1000);
    assert.equal((await send(body, { by: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD" })).status, 401);
    assert.equal((await send(body, { sent: body.replace("Mallory", "Eve") })).status, 401);
    assert.deepEqual(await send(body, { at: new Date(Date.now() - 301_000) }), {
      status: 401,
      body: { error: "The message was sent too long ago, or in the future", code: "timestamp_out_of_window" },
    });
  });
});
