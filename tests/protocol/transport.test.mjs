import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Browser,
  assertNotFound,
  assertRefused,
  get,
  invalid,
  modularOnly,
  post,
  postForm,
  send,
  server,
  signedUp,
} from "./support.mjs";

describe("the router", () => {
  test("GET /ok answers {ok:true}", async () => {
    const { data, error } = await new Browser().auth.ok();
    assert.equal(error, null);
    assert.deepEqual(data, { ok: true });
  });

  test("the error page is HTML and names the error", async () => {
    const answer = await get("/error?error=some_code");
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"], /^text\/html\b/);
    assert.match(answer.text, /some_code/);
  });

  test("the error page turns a code that could be markup into UNKNOWN", async () => {
    const answer = await get(`/error?error=${encodeURIComponent("<script>alert(1)</script>")}`);
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.text, /alert\(1\)/);
    assert.match(answer.text, /UNKNOWN/);
  });

  for (const [why, method, path] of [
    ["an unknown path", "GET", "/nope"],
    ["an unknown path below a known one", "GET", "/get-session/nope"],
    ["an unknown path that is posted to", "POST", "/nope"],
    ["the prefix alone", "GET", ""],
    ["the prefix with a slash", "GET", "/"],
    ["a trailing slash", "GET", "/ok/"],
    ["a doubled slash", "GET", "//ok"],
    ["a doubled slash inside the path", "POST", "/sign-in//email"],
    ["GET of a path that wants POST", "GET", "/sign-up/email"],
    ["POST of a path that wants GET", "POST", "/ok"],
    ["PUT", "PUT", "/ok"],
    ["DELETE", "DELETE", "/get-session"],
    ["PATCH", "PATCH", "/update-user"],
    ["OPTIONS", "OPTIONS", "/sign-in/email"],
    ["an endpoint that is only for servers", "POST", "/set-password"],
  ])
    test(`${why} is 404 with an empty body`, async () => assertNotFound(await send(method, path)));

  test("the client reports a 404 without a body as an error, and does not throw", async () => {
    const { data, error } = await new Browser().auth.nope();
    assert.equal(data, null);
    assert.equal(error.status, 404);
  });
});

describe("the request body", () => {
  const noBody = invalid("[body] Invalid input: expected object, received undefined");

  test("text/plain is 415 and the answer says what is allowed", async () => {
    assertRefused(
      await send("POST", "/sign-in/email", { headers: { "content-type": "text/plain" }, body: "{}" }),
      415,
      {
        message:
          'Content-Type "text/plain" is not allowed. Allowed types: application/x-www-form-urlencoded, application/json',
        code: "UNSUPPORTED_MEDIA_TYPE",
      },
    );
  });

  test("a form is 415 at an endpoint that takes JSON only", async () => {
    assertRefused(await postForm("/update-user", { name: "x" }), 415, {
      message: 'Content-Type "application/x-www-form-urlencoded" is not allowed. Allowed types: application/json',
      code: "UNSUPPORTED_MEDIA_TYPE",
    });
  });

  test("multipart is 415", async () => {
    const answer = await send("POST", "/sign-in/email", {
      headers: { "content-type": "multipart/form-data; boundary=x" },
      body: "x",
    });
    assert.equal(answer.status, 415);
    assert.equal(answer.json.code, "UNSUPPORTED_MEDIA_TYPE");
  });

  test("JSON with a charset is JSON", async () => {
    const answer = await post(
      "/sign-in/email",
      { email: "ghost", password: "nope-nope" },
      { "content-type": "application/json; charset=utf-8" },
    );
    assertRefused(answer, 400, { message: "Invalid email", code: "INVALID_EMAIL" });
  });

  test("broken JSON is 400", async () => {
    assertRefused(await post("/sign-in/email", "{oops"), 400, {
      message: "Invalid JSON in request body",
      code: "BAD_REQUEST",
    });
  });

  test("broken JSON is reported before an untrusted Origin", async () => {
    assertRefused(await post("/sign-in/email", "{oops", { origin: "http://evil.test" }), 400, {
      message: "Invalid JSON in request body",
      code: "BAD_REQUEST",
    });
  });

  test("an unknown media type is reported before a missing session", async () => {
    assert.equal(
      (await send("POST", "/revoke-session", { headers: { "content-type": "text/plain" }, body: "x" })).status,
      415,
    );
  });

  test("no body where one is required is 400", async () =>
    assertRefused(await send("POST", "/sign-in/email"), 400, noBody));

  test("a body without a content type counts as none", async () => {
    assertRefused(await send("POST", "/sign-in/email", { body: '{"a":1}' }), 400, noBody);
  });

  for (const [body, received] of [
    ["null", "null"],
    ["[1]", "array"],
    ['"x"', "string"],
    ["1", "number"],
    ["true", "boolean"],
  ])
    test(`a body that is ${body} is 400`, async () => {
      assertRefused(
        await post("/sign-in/email", body),
        400,
        invalid(`[body] Invalid input: expected object, received ${received}`),
      );
    });

  test("text of every script survives the way to the server and back", async () => {
    const name = 'Zoë Ωmega 李 👩‍🚀 "<&>" \\ /';
    const { browser, user } = await signedUp({ name });
    assert.equal(user.name, name);
    const { data } = await browser.auth.getSession();
    assert.equal(data.user.name, name);
  });
});

describe("a body of 10 MB is refused with 413 and the server goes on", modularOnly, () => {
  const size = 10 * 1024 * 1024;

  /** Sends `head`, then 10 MB in pieces until the server answers or hangs up; gives what the server said. */
  async function upload(head, frame) {
    const url = new URL(server);
    const socket = net.connect(Number(url.port || 80), url.hostname);
    let answer = "",
      over = false;
    socket.on("data", (data) => (answer += data.toString("latin1")));
    for (const event of ["error", "end", "close"]) socket.on(event, () => (over = true));
    socket.setTimeout(30_000, () => socket.destroy());
    const piece = Buffer.alloc(64 * 1024, "x");
    socket.write(
      `POST /api/auth/sign-in/email HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nConnection: close\r\n${head}\r\n\r\n`,
    );
    socket.write(frame(Buffer.from('{"email":"')));
    for (let sent = 0; sent < size && !over && !answer; sent += piece.length) {
      await new Promise((resolve) => socket.write(frame(piece), resolve));
      await sleep(2);
    }
    for (let waited = 0; !answer.includes("\r\n") && !over && waited < 10_000; waited += 20) await sleep(20);
    socket.destroy();
    return answer.split("\r\n")[0];
  }

  test("when Content-Length announces it", async () => {
    assert.match(await upload(`Content-Length: ${size + 10}`, (piece) => piece), /^HTTP\/1\.1 413 /);
    assert.equal((await get("/ok")).status, 200);
  });

  test("when it comes in chunks and nothing announces it", async () => {
    const chunk = (piece) =>
      Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
    assert.match(await upload("Transfer-Encoding: chunked", chunk), /^HTTP\/1\.1 413 /);
    assert.equal((await get("/ok")).status, 200);
  });
});
