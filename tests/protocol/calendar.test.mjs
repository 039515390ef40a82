// The calendars of office sessions, read by somebody else's parser of RFC 5545.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import ICAL from "ical.js";
import { modularOnly, origin, signedUp } from "./support.mjs";

const TOPIC = `Commas, semicolons; back\\slashes\nlines, ${"ü😀".repeat(60)} and the end`;

const everyDay = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** A request as a page sends it; the answer has to be of that status. */
async function call(browser, method, path, body, status = 200) {
  const answer = await browser.fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return text.startsWith("{") ? JSON.parse(text) : text;
}

/** Strict: every line is checked for its form first, then the whole is parsed. */
function parse(text) {
  assert.ok(text.endsWith("\r\n"));
  for (const line of text.slice(0, -2).split("\r\n")) {
    assert.ok(Buffer.byteLength(line) <= 75, `more than 75 octets: ${line}`);
    assert.doesNotMatch(line, /[\r\n\0]/);
    assert.doesNotMatch(line, /\uFFFD/);
  }
  const calendar = new ICAL.Component(ICAL.parse(text));
  assert.equal(calendar.getFirstPropertyValue("version"), "2.0");
  assert.ok(calendar.getFirstPropertyValue("prodid"));
  return calendar.getAllSubcomponents("vevent").map((component) => ({ component, event: new ICAL.Event(component) }));
}

const valueOf = ({ component }, name) => component.getFirstPropertyValue(name);

describe("calendars", modularOnly, () => {
  let mentor, mentee, mentorId, at;

  before(async () => {
    mentor = (await signedUp({ name: "Grace, the mentor; really" })).browser;
    mentee = (await signedUp({ name: "Max" })).browser;
    mentorId = (await call(mentor, "PUT", "/api/mentors/me", { biography: "Compilers" })).userId;
    await call(mentor, "PUT", "/api/mentors/me/availability", {
      timeZone: "Etc/UTC",
      slotMinutes: 30,
      rules: everyDay.map((day) => ({ day, from: "00:00", to: "24:00" })),
    });
    await call(mentee, "PUT", "/api/mentees/me", {});
    at = new Date(Date.now() + 5 * 24 * 60 * 60 * 1000);
    at.setUTCHours(10, 0, 0, 0);
  });

  const ask = (hours, topic = TOPIC) =>
    call(mentee, "POST", "/api/office-sessions", { mentorId, startsAt: new Date(+at + hours * 60 * 60 * 1000).toISOString(), topic }, 201);

  test("an office session is one event, whatever is written into it", async () => {
    const { id } = await ask(0);
    const [asked, ...others] = parse(await call(mentee, "GET", `/api/office-sessions/${id}.ics`));
    assert.equal(others.length, 0);
    assert.equal(asked.event.uid, `${id}@${new URL(origin).hostname}`);
    assert.equal(asked.event.summary, "Office session with Grace, the mentor; really");
    assert.equal(asked.event.description, TOPIC);
    assert.equal(asked.event.startDate.zone, ICAL.Timezone.utcTimezone);
    assert.equal(+asked.event.startDate.toJSDate(), +at);
    assert.equal(+asked.event.endDate.toJSDate(), +at + 30 * 60 * 1000);
    assert.equal(valueOf(asked, "status"), "TENTATIVE");
    assert.equal(asked.event.sequence, 0);

    await call(mentor, "POST", `/api/office-sessions/${id}/confirm`);
    const [agreed] = parse(await call(mentor, "GET", `/api/office-sessions/${id}.ics`));
    assert.deepEqual([valueOf(agreed, "status"), agreed.event.sequence, agreed.event.uid], ["CONFIRMED", 1, asked.event.uid]);
    assert.equal(agreed.event.summary, "Office session with Max");
  });

  test("a feed has all of somebody's, cancelled ones as such, and needs no cookie", async () => {
    const off = await ask(1);
    await call(mentee, "POST", `/api/office-sessions/${off.id}/cancel`, {});
    const { url } = await call(mentee, "POST", "/api/calendar-feed", undefined, 201);
    const answer = await fetch(url);
    assert.equal(answer.headers.get("content-type"), "text/calendar; charset=utf-8");
    const events = parse(await answer.text());
    assert.equal(events.length, 2);
    const cancelled = events.find(({ event }) => event.uid.startsWith(off.id));
    assert.deepEqual([valueOf(cancelled, "status"), cancelled.event.sequence], ["CANCELLED", 1]);

    const { url: next } = await call(mentee, "POST", "/api/calendar-feed", undefined, 201);
    assert.notEqual(next, url);
    assert.equal((await fetch(url)).status, 404);
    assert.equal((await fetch(next)).status, 200);
  });

  test("an empty feed is a calendar, too", async () => {
    const { browser } = await signedUp();
    const { url } = await call(browser, "POST", "/api/calendar-feed", undefined, 201);
    assert.deepEqual(parse(await (await fetch(url)).text()), []);
  });
});
