// A second tab of the same browser: a worker, because the client knows the other tabs of a page by localStorage, and
// so needs globals of its own. The cookies stay with the first tab's jar; this one asks for them.
import { parentPort } from "node:worker_threads";
import { Browser, openPage } from "./support.mjs";

const replies = new Map();
let asked = 0;

const jar = {
  header: () =>
    new Promise((resolve) => {
      replies.set(++asked, resolve);
      parentPort.postMessage({ wantsCookies: asked });
    }),
  store: (setCookie) => parentPort.postMessage({ setCookie }),
};

const page = openPage({ onStorageWrite: (written) => parentPort.postMessage({ written }) });
const unmount = new Browser({ jar }).auth.useSession.subscribe(({ data, error, isPending }) =>
  parentPort.postMessage({ session: { name: data?.user.name ?? null, error: error?.status ?? null, isPending } }),
);

parentPort.on("message", ({ reply, cookies, written, close }) => {
  if (reply) replies.get(reply)(cookies);
  if (written) page.hearStorageOfOtherTab(written);
  if (close) {
    unmount();
    parentPort.close();
  }
});
