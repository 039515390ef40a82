// What the server would have mailed: Development keeps it at /dev/mailbox. A server that really mails has no mailbox, and
// the tests that need one are skipped.
import { setTimeout as sleep } from "node:timers/promises";
import { server } from "./support.mjs";

const read = (to) => fetch(`${server}/dev/mailbox?to=${encodeURIComponent(to)}`);

export const hasMailbox = await read("nobody@example.com").then(
  (answer) => answer.status === 200,
  () => false,
);

export const withMailbox = { skip: !hasMailbox && "the server has no mailbox" };

/** The mails to an address as soon as there are this many, oldest first. */
export async function mailsTo(to, count = 1) {
  for (const deadline = Date.now() + 20_000; ; await sleep(25)) {
    const mails = await (await read(to)).json();
    if (mails.length >= count) return mails;
    if (Date.now() > deadline) throw new Error(`${mails.length} mails to ${to} instead of ${count}`);
  }
}

/** The link in the latest mail to an address, once it has got this many. */
export const linkTo = async (to, count = 1) => new URL((await mailsTo(to, count)).at(-1).text.match(/http\S+/)[0]);

/** Path and query of a link, below the prefix of the API. */
export const below = (link) => link.pathname.replace(/^\/api\/auth/, "") + link.search;
