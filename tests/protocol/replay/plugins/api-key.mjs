// Keys for programs.
const place = {
  on: "keys",
  recordedOrigin: "http://localhost:4870",
  lacks: [
    "better-auth.session_token_multi-klys…",
    "better-auth.session_token_multi-ovdm…",
    "better-auth.last_used_login_method",
  ],
};

export const servers = { keys: { env: {} } };

export const sections = { "C · api-key": { ...place, as: "first" } };

const signUp = (actor, email) => async (stage) => {
  const { status, body } = await stage.act(actor, "/sign-up/email", { name: "K", email, password: `password-${actor}` });
  if (status !== 200) throw new Error(`${actor} does not sign up: ${status} ${body}`);
};

export const exchanges = {
  "C · api-key · create": { before: signUp("first", "k1@example.com") },
  "C · api-key · create signed out": { as: "nobody" },
  "C · api-key · get of somebody else": { as: "second", before: signUp("second", "k2@example.com") },
};
