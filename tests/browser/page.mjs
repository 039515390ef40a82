// What a front end does: the official client, configured with an address. `server` is in the page's own address.
import { passkeyClient } from "@better-auth/passkey/client";
import { createAuthClient } from "better-auth/client";

const auth = createAuthClient({ baseURL: new URLSearchParams(location.search).get("server"), plugins: [passkeyClient()] });

// As hooks see it: every state of the user's passkeys that a component would be drawn with.
const seen = [];
auth.useListPasskeys.subscribe(({ data, isPending }) => {
  if (!isPending) seen.push(data?.map(({ name }) => name) ?? null);
});

window.auth = auth;
window.seen = seen;
